// SPDX-License-Identifier: GPL-2.0

//! Replaces all patches before it, and sleeps.

use molt::prelude::*;

patch! {
    description: "Replaces all patches before it, and sleeps",
    license: "GPL",
    replace: true,
    target: {
        target_value: unsafe extern "C" fn() -> c_int => five,
        target_nap: unsafe extern "C" fn() -> c_int => nap,
    },
}

unsafe extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

extern "C" fn five() -> c_int {
    5
}

/// Sleeps in its own text.
///
/// # Safety
///
/// The caller may sleep.
unsafe extern "C" fn nap() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { target_wait() };
    2
}
