// SPDX-License-Identifier: GPL-2.0

//! `target_cold_nap` does not sleep any more.

use molt::prelude::*;

patch! {
    description: "target_cold_nap does not sleep any more",
    license: "GPL",
    target: {
        target_cold_nap: unsafe extern "C" fn(c_int) -> c_int => awake,
    },
}

/// Replaces `target_cold_nap`.
extern "C" fn awake(_sleepy: c_int) -> c_int {
    2
}
