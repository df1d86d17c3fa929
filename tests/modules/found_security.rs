// SPDX-License-Identifier: GPL-2.0

//! No folder can be made any more.

use molt::prelude::*;

patch! {
    description: "No folder can be made",
    license: "GPL",
    vmlinux: { security_inode_mkdir => refuse },
}

/// # Safety
///
/// None.
unsafe extern "C" fn refuse(
    _folder: *mut c::inode,
    _entry: *mut c::dentry,
    _mode: c::umode_t,
) -> c_int {
    EPERM.to_errno()
}
