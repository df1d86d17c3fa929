// SPDX-License-Identifier: GPL-2.0

//! A pointer to another struct.

use molt::prelude::*;

patch! {
    description: "A pointer to another struct",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::inode, _v: *mut c_void) -> c_int {
    0
}
