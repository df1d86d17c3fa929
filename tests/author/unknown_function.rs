// SPDX-License-Identifier: GPL-2.0

//! The kernel has no function of that name.

use molt::prelude::*;

patch! {
    description: "No such function",
    license: "GPL",
    vmlinux: { proc_cmdline_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
