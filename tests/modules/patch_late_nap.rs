// SPDX-License-Identifier: GPL-2.0

//! Functions that sleep, and one of a module that comes later.

use molt::prelude::*;

patch! {
    description: "Functions that sleep, and one of a module that comes later",
    license: "GPL",
    target: {
        target_nap: unsafe extern "C" fn() -> c_int => nap,
        target_nap_then_late: unsafe extern "C" fn() -> c_int => nap_then_late,
    },
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
    },
}

extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
    /// `tests/modules/target/nap.c`: calls the module if it is there.
    fn target_late() -> c_int;
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

/// Replaces `target_nap_then_late`.
///
/// # Safety
///
/// The caller may sleep.
unsafe extern "C" fn nap_then_late() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { target_wait() };
    // SAFETY: It has no conditions.
    20 + unsafe { target_late() }
}

/// Replaces `late_value`.
extern "C" fn two() -> c_int {
    2
}
