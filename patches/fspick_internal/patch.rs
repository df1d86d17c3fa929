// SPDX-License-Identifier: GPL-2.0

//! Nobody reconfigures a file system that the kernel has for itself.

use molt::prelude::*;

patch! {
    description: "fs: refuse to reconfigure internal superblocks",
    license: "GPL",
    vmlinux: {
        fs_context_for_reconfigure => for_reconfigure,
        // What all of the `fs_context_for_…` come down to.
        extern fn alloc_fs_context,
    },
}

/// `SB_NOUSER` of `linux/fs/super_types.h`: the superblock is not for user space.
const NO_USER: c_ulong = 1 << 31;

/// `FS_CONTEXT_FOR_RECONFIGURE` of `linux/fs_context.h`.
const RECONFIGURE: c_uint = 2;

/// Replaces `fs_context_for_reconfigure` of `fs/fs_context.c`.
///
/// # Safety
///
/// The caller holds a reference on `dentry`.
unsafe extern "C" fn for_reconfigure(
    dentry: *mut c::dentry,
    flags: c_uint,
    mask: c_uint,
) -> *mut c::fs_context {
    // SAFETY: A dentry that is held has a superblock, which is always the same, and has a type. Of
    // the flags, this one is set before there is a dentry.
    let (kind, has) = unsafe {
        let superblock = (*dentry).d_sb;
        ((*superblock).s_type, (*superblock).s_flags)
    };
    if has & NO_USER != 0 {
        return EINVAL.to_ptr();
    }
    // SAFETY: What the caller guarantees.
    unsafe { alloc_fs_context(kind, dentry, flags, mask, RECONFIGURE) }
}
