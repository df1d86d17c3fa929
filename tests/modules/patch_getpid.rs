// SPDX-License-Identifier: GPL-2.0

//! `getpid()` returns a number that no process has.

use molt::prelude::*;

patch! {
    description: "getpid() returns a number that no process has",
    license: "GPL",
    vmlinux: {
        __x64_sys_getpid: unsafe extern "C" fn(*const c::pt_regs) -> c_long => getpid,
    },
}

/// Above all process ids, which end at 4 million.
const OFFSET: c_long = 1 << 24;

/// Replaces `__x64_sys_getpid` of `kernel/sys.c`, for processes of one thread.
extern "C" fn getpid(_registers: *const c::pt_regs) -> c_long {
    OFFSET + kernel::current!().pid() as c_long
}
