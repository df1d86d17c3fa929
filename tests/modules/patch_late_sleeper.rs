// SPDX-License-Identifier: GPL-2.0

//! A function that sleeps, and one of a module that comes later.

use molt::prelude::*;

patch! {
    description: "A function that sleeps, and one of a module that comes later",
    license: "GPL",
    target: {
        target_nap: unsafe extern "C" fn() -> c_int => nap,
    },
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
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
unsafe extern "C" fn nap() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { target_wait() };
    2
}

/// Replaces `late_value`.
extern "C" fn two() -> c_int {
    2
}
