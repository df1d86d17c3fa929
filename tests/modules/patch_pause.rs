// SPDX-License-Identifier: GPL-2.0

//! `pause()` sleeps in its replacement, too.

use molt::prelude::*;

patch! {
    description: "pause() sleeps in its replacement, too",
    license: "GPL",
    vmlinux: {
        __x64_sys_pause: unsafe extern "C" fn(*const c::pt_regs) -> c_long => pause,
    },
}

/// `include/linux/errno.h`: begins again, unless there is a handler for the signal.
const ERESTARTNOHAND: c_long = 514;

/// Longer than the test, in jiffies.
const LONG: c_long = 1 << 30;

unsafe extern "C" {
    /// `kernel/time/sleep_timeout.c`; it has no conditions.
    safe fn schedule_timeout_interruptible(timeout: c_long) -> c_long;
}

/// Replaces `__x64_sys_pause` of `kernel/signal.c`.
extern "C" fn pause(_registers: *const c::pt_regs) -> c_long {
    schedule_timeout_interruptible(LONG);
    -ERESTARTNOHAND
}
