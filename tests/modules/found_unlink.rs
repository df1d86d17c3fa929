// SPDX-License-Identifier: GPL-2.0

//! Nothing is removed from a tmpfs any more: `shmem_unlink`, which `shmem_rmdir` ends with,
//! refuses. gcc knew that it always returned 0.

use molt::prelude::*;

patch! {
    description: "Nothing is removed from a tmpfs",
    license: "GPL",
    vmlinux: { shmem_unlink => refuse },
}

/// # Safety
///
/// None.
unsafe extern "C" fn refuse(_folder: *mut c::inode, _entry: *mut c::dentry) -> c_int {
    EPERM.to_errno()
}
