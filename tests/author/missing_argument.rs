// SPDX-License-Identifier: GPL-2.0

//! The replacement has one parameter fewer.

use molt::prelude::*;

patch! {
    description: "A missing parameter",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file) -> c_int {
    0
}
