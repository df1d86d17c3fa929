// SPDX-License-Identifier: GPL-2.0

//! `target_nap` sleeps in its replacement, too.

use molt::prelude::*;

patch! {
    description: "target_nap sleeps in its replacement, too",
    license: "GPL",
    target: {
        target_nap: unsafe extern "C" fn() -> c_int => sleep,
    },
}

extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

/// Replaces `target_nap`, and sleeps in its own text.
///
/// # Safety
///
/// The caller may sleep.
unsafe extern "C" fn sleep() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { target_wait() };
    2
}
