// SPDX-License-Identifier: GPL-2.0

//! `target_value` returns 3.

use molt::prelude::*;

patch! {
    description: "target_value returns 3",
    license: "GPL",
    target: {
        target_value: unsafe extern "C" fn() -> c_int => three,
    },
}

/// Replaces `target_value`.
extern "C" fn three() -> c_int {
    3
}
