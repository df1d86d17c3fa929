// SPDX-License-Identifier: GPL-2.0

//! `target_value` returns 4.

use molt::prelude::*;

patch! {
    description: "target_value returns 4",
    license: "GPL",
    target: {
        target_value: unsafe extern "C" fn() -> c_int => four,
    },
}

/// Replaces `target_value`.
extern "C" fn four() -> c_int {
    4
}
