// SPDX-License-Identifier: GPL-2.0

//! A misspelled field.

use molt::prelude::*;

patch! {
    description: "A misspelled field",
    autor: "somebody",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
