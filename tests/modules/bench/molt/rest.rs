// SPDX-License-Identifier: GPL-2.0

//! The replacement of the function that tasks may be asleep in.

use molt::prelude::*;

extern "C" {
    /// `tests/modules/bench/bench_target.c`: sleeps while tasks are to be asleep.
    fn bench_rest();
}

/// Replaces `bench_f001`, and sleeps in its own text.
///
/// # Safety
///
/// The caller may sleep.
pub(crate) unsafe extern "C" fn rest() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { bench_rest() };
    2001
}
