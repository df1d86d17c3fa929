// SPDX-License-Identifier: GPL-2.0

//! Of two functions one is replaced although tasks are inside; the other sleeps in its replacement.

use molt::prelude::*;

patch! {
    description: "Of two functions one is replaced although tasks are inside; the other sleeps",
    license: "GPL",
    target: {
        force target_nap: unsafe extern "C" fn() -> c_int => awake,
        target_deep: unsafe extern "C" fn() -> c_int => deep,
    },
}

extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

/// Replaces `target_nap`.
extern "C" fn awake() -> c_int {
    2
}

/// Replaces `target_deep`, and sleeps in its own text.
///
/// # Safety
///
/// The caller may sleep.
unsafe extern "C" fn deep() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { target_wait() };
    2
}
