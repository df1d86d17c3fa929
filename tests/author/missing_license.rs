// SPDX-License-Identifier: GPL-2.0

//! A patch without a license.

use molt::prelude::*;

patch! {
    description: "No license",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
