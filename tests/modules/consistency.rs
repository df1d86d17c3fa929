// SPDX-License-Identifier: GPL-2.0

//! A patch with the name of a file in `/sys/kernel/molt`.

use molt::prelude::*;

patch! {
    description: "Has the name of a file",
    license: "GPL",
    vmlinux: { version_proc_show => show },
}

/// # Safety
///
/// None.
unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
