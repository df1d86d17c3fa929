// SPDX-License-Identifier: GPL-2.0

//! Callbacks given twice.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        callbacks { pre_patch: check },
        callbacks { pre_patch: check },
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
