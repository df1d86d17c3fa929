// SPDX-License-Identifier: GPL-2.0

//! `target_doze` sleeps in its replacement, too.

use molt::prelude::*;

patch! {
    description: "target_doze sleeps in its replacement, too",
    license: "GPL",
    target: {
        target_doze: unsafe extern "C" fn() -> c_int => sleep,
    },
}

extern "C" {
    /// `tests/modules/target/doze.c`: sleeps until the task is woken.
    fn target_sleep();
}

/// Replaces `target_doze`, and sleeps in its own text.
///
/// # Safety
///
/// The caller is a kernel thread that may sleep.
unsafe extern "C" fn sleep() -> c_int {
    // SAFETY: By the requirement.
    unsafe { target_sleep() };
    2
}
