// SPDX-License-Identifier: GPL-2.0

//! The kernel's function may write through the pointer, the replacement may not.

use molt::prelude::*;

patch! {
    description: "Another constness",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *const c::seq_file, _v: *mut c_void) -> c_int {
    0
}
