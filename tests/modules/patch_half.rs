// SPDX-License-Identifier: GPL-2.0

//! Two functions, of which the second cannot be patched: the first must not be either.

use molt::prelude::*;

patch! {
    description: "Two functions, of which the second cannot be patched: the first must not be either",
    license: "GPL",
    target: {
        target_first: unsafe extern "C" fn() -> c_int => first,
        target_notrace: unsafe extern "C" fn() -> c_int => second,
    },
}

/// Replaces `target_first`.
extern "C" fn first() -> c_int {
    2
}

/// Would replace `target_notrace`.
extern "C" fn second() -> c_int {
    2
}
