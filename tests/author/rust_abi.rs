// SPDX-License-Identifier: GPL-2.0

//! A function with Rust's calling convention.

use molt::prelude::*;

patch! {
    description: "Not a C function",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
