// SPDX-License-Identifier: GPL-2.0

//! Says who sleeps in `pause()`.
//!
//! Processes may sleep there for ever, so no moment ever comes at which nobody is inside: those who
//! are stay in the old function, each until it returns, and all others call the new one at once.

use molt::prelude::*;

patch! {
    description: "Says who sleeps in pause()",
    license: "GPL",
    consistency: per_task,
    vmlinux: {
        __x64_sys_pause: unsafe extern "C" fn(*const c::pt_regs) -> c_long => pause,
    },
}

/// `include/linux/errno.h`: the call begins again, unless there is a handler for the signal.
const ERESTARTNOHAND: c_long = 514;

unsafe extern "C" {
    /// `kernel/time/sleep_timeout.c`; it has no conditions.
    safe fn schedule_timeout_interruptible(timeout: c_long) -> c_long;
}

/// Replaces `__x64_sys_pause` of `kernel/signal.c`.
extern "C" fn pause(_registers: *const c::pt_regs) -> c_long {
    let current = kernel::current!();
    pr_info!("process {} sleeps\n", current.pid());
    while !current.signal_pending() {
        schedule_timeout_interruptible(c_long::MAX);
    }
    -ERESTARTNOHAND
}
