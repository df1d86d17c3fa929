// SPDX-License-Identifier: GPL-2.0

//! Something else than a function or a variable.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern nr_processes,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
