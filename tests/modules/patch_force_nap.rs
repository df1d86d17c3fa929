// SPDX-License-Identifier: GPL-2.0

//! A function is replaced although tasks are inside, and its replacement sleeps.

use molt::prelude::*;

patch! {
    description: "A function is replaced although tasks are inside, and its replacement sleeps",
    license: "GPL",
    target: {
        force target_nap: unsafe extern "C" fn() -> c_int => nap,
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
