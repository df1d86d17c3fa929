// SPDX-License-Identifier: GPL-2.0

//! Two functions that must change together: the new outer calls the new inner.

use molt::prelude::*;

patch! {
    description: "Two functions that must change together: the new outer calls the new inner",
    license: "GPL",
    target: {
        target_outer: unsafe extern "C" fn() -> c_int => outer,
        target_inner: unsafe extern "C" fn() -> c_int => inner,
    },
}

unsafe extern "C" {
    /// `tests/modules/target/pair.c`; it has no conditions.
    safe fn target_inner() -> c_int;
}

/// Replaces `target_outer`; calls the inner by its name, as any caller does.
extern "C" fn outer() -> c_int {
    0x20 + target_inner()
}

/// Replaces `target_inner`.
extern "C" fn inner() -> c_int {
    0x02
}
