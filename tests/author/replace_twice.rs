// SPDX-License-Identifier: GPL-2.0

//! A field given twice.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    replace: true,
    replace: false,
    vmlinux: { version_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
