// SPDX-License-Identifier: GPL-2.0

//! The monotonic clock, where the kernel crate's would wait.
//!
//! C header: [`include/linux/timekeeping.h`](srctree/include/linux/timekeeping.h)

use crate::edge::bindings;

/// Nanoseconds of the monotonic clock, by the reader that never waits. Any context.
pub(crate) fn now() -> u64 {
    // SAFETY: may be called in any context.
    unsafe { bindings::ktime_get_mono_fast_ns() }
}
