// SPDX-License-Identifier: GPL-2.0

//! A function is replaced although tasks are inside.

use molt::prelude::*;

patch! {
    description: "A function is replaced although tasks are inside",
    license: "GPL",
    target: {
        force target_nap: unsafe extern "C" fn() -> c_int => awake,
    },
}

/// Replaces `target_nap`, and does not sleep.
extern "C" fn awake() -> c_int {
    2
}
