// SPDX-License-Identifier: GPL-2.0

//! Of two functions one is replaced although tasks are inside.

use molt::prelude::*;

patch! {
    description: "Of two functions one is replaced although tasks are inside",
    license: "GPL",
    target: {
        force target_nap: unsafe extern "C" fn() -> c_int => awake,
        target_deep: unsafe extern "C" fn() -> c_int => awake,
    },
}

/// Replaces `target_nap` and `target_deep`, and does not sleep.
extern "C" fn awake() -> c_int {
    2
}
