// SPDX-License-Identifier: GPL-2.0

//! The pair that must change together, and a function that sleeps.

use molt::prelude::*;

patch! {
    description: "The pair that must change together, and a function that sleeps",
    license: "GPL",
    target: {
        target_outer: unsafe extern "C" fn() -> c_int => outer,
        target_inner: unsafe extern "C" fn() -> c_int => inner,
        target_nap: unsafe extern "C" fn() -> c_int => nap,
    },
}

unsafe extern "C" {
    /// `tests/modules/target/pair.c`; it has no conditions.
    safe fn target_inner() -> c_int;
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

/// Replaces `target_outer`; calls the inner by its name, as any caller does.
extern "C" fn outer() -> c_int {
    0x20 + target_inner()
}

/// Replaces `target_inner`.
extern "C" fn inner() -> c_int {
    0x02
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
