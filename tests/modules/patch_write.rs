// SPDX-License-Identifier: GPL-2.0

//! A function on the stack of whoever writes a file, `enabled` of this patch included.

use molt::prelude::*;

patch! {
    description: "A function on the stack of whoever writes a file, enabled of this patch included",
    license: "GPL",
    vmlinux: {
        ksys_write => write,
    },
}

extern "C" {
    /// `fs/read_write.c`; not exported.
    #[link_name = ".klp.sym.vmlinux.vfs_write,0"]
    fn vfs_write(
        file: *mut c_void,
        buffer: *const c_char,
        count: usize,
        position: *mut c::loff_t,
    ) -> isize;
}

/// Replaces `ksys_write` of fs/read_write.c; knows no positions in files, which sysfs does not
/// need.
///
/// # Safety
///
/// What user space passed, in the process that passed it.
unsafe extern "C" fn write(fd: c_uint, buffer: *const c_char, count: usize) -> isize {
    // SAFETY: It checks the number, which comes from user space.
    let file = unsafe { c::fget(fd) };
    if file.is_null() {
        return -9; // EBADF
    }
    let mut position = 0;
    // SAFETY: `file` is held; the buffer comes from user space and is checked.
    let result = unsafe { vfs_write(file.cast(), buffer, count, &mut position) };
    // SAFETY: Got above, given back once.
    unsafe { c::fput(file) };
    result
}
