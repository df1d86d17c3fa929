// SPDX-License-Identifier: GPL-2.0

//! statfs(2) is refused, as its function in the source says. gcc split it: callers in the same file
//! call `vfs_statfs.part.0` and never enter `vfs_statfs`.

use molt::prelude::*;

patch! {
    description: "No statfs",
    license: "GPL",
    vmlinux: {
        vfs_statfs: unsafe extern "C" fn(*const c::path, *mut c::kstatfs) -> c_int => refuse,
    },
}

/// # Safety
///
/// None.
unsafe extern "C" fn refuse(_path: *const c::path, _result: *mut c::kstatfs) -> c_int {
    EPERM.to_errno()
}
