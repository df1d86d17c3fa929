// SPDX-License-Identifier: GPL-2.0

//! Two functions of one object.

use molt::prelude::*;

patch! {
    description: "Two functions of one object",
    license: "GPL",
    target: {
        target_first: unsafe extern "C" fn() -> c_int => first,
        target_second: unsafe extern "C" fn() -> c_int => second,
    },
}

/// Replaces `target_first`.
extern "C" fn first() -> c_int {
    2
}

/// Replaces `target_second`.
extern "C" fn second() -> c_int {
    2
}
