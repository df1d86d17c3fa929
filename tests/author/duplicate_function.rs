// SPDX-License-Identifier: GPL-2.0

//! One function, two replacements.

use molt::prelude::*;

patch! {
    description: "One function twice",
    license: "GPL",
    vmlinux: {
        cmdline_proc_show => show,
        cmdline_proc_show => show,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
