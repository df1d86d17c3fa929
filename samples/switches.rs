// SPDX-License-Identifier: GPL-2.0

//! Code that the kernel rewrites while it runs: a static key, which turns a branch on and off, and
//! a static call, whose target changes. A patch uses both as the kernel's own code does.

use kernel::static_branch_unlikely;
use molt::prelude::*;

patch! {
    description: "Shows in /proc/version whether forks are traced, and the scheduler's clock",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        // The tracepoint; its static key is a field of it.
        extern static __tracepoint_sched_process_fork: c::tracepoint,
        // What a static call of `pv_sched_clock` jumps through.
        extern fn __SCT__pv_sched_clock as sched_clock: unsafe extern "C" fn() -> u64,
    },
}

/// Replaces `version_proc_show` of `fs/proc/version.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    // SAFETY: the key is one of the kernel's, and of this type.
    let traced =
        unsafe { static_branch_unlikely!(__tracepoint_sched_process_fork, c::tracepoint, key) };
    // SAFETY: the scheduler's clock may be read anywhere.
    let clock = unsafe { sched_clock() };
    seq_print!(
        m,
        "{} {clock}\n",
        if traced { "traced" } else { "untraced" }
    );
    0
}
