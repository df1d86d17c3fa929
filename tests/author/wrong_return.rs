// SPDX-License-Identifier: GPL-2.0

//! The kernel's function returns a number, the replacement nothing.

use molt::prelude::*;

patch! {
    description: "Another return type",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) {}
