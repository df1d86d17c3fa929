// SPDX-License-Identifier: GPL-2.0

//! Those who fork are inside, and `getpid()` tells who is new.

use molt::prelude::*;

patch! {
    description: "Those who fork are inside, and getpid() tells who is new",
    license: "GPL",
    vmlinux: {
        __x64_sys_getpid: unsafe extern "C" fn(*const c::pt_regs) -> c_long => getpid,
        kernel_clone => clone,
    },
}

/// Above all process ids, which end at 4 million.
const OFFSET: c_long = 1 << 24;

/// Replaces `__x64_sys_getpid` of `kernel/sys.c`.
extern "C" fn getpid(_registers: *const c::pt_regs) -> c_long {
    OFFSET
}

/// Replaces `kernel_clone` of `kernel/fork.c`: nobody forks while the patch is on.
extern "C" fn clone(_arguments: *mut c::kernel_clone_args) -> c::pid_t {
    -11
}
