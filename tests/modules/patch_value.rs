// SPDX-License-Identifier: GPL-2.0

//! `target_value` returns 2.

use molt::prelude::*;

patch! {
    description: "target_value returns 2",
    license: "GPL",
    target: {
        target_value: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `target_value`.
extern "C" fn two() -> c_int {
    2
}
