// SPDX-License-Identifier: GPL-2.0

//! A parameter has another type than the kernel's.

use molt::prelude::*;

patch! {
    description: "A parameter of another type",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: c_int) -> c_int {
    0
}
