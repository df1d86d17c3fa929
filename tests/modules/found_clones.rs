// SPDX-License-Identifier: GPL-2.0

//! A function that exists as `filesystems_proc_show_fallback.isra.0` only; BTF has it by its plain
//! name.

use molt::prelude::*;

patch! {
    description: "Names a function of which there is a clone only",
    license: "GPL",
    vmlinux: { filesystems_proc_show_fallback => show },
}

/// # Safety
///
/// None.
unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
