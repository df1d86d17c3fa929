// SPDX-License-Identifier: GPL-2.0

//! A system call that is not begun again when it was interrupted.

use molt::prelude::*;

patch! {
    description: "A system call that is not begun again when it was interrupted",
    license: "GPL",
    vmlinux: {
        __x64_sys_epoll_wait: unsafe extern "C" fn(*const c::pt_regs) -> c_long => wait,
    },
}

/// `include/uapi/asm-generic/errno.h`.
const ENOSYS: c_long = 38;

/// Replaces `__x64_sys_epoll_wait` of `fs/eventpoll.c`.
extern "C" fn wait(_registers: *const c::pt_regs) -> c_long {
    -ENOSYS
}
