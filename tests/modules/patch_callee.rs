// SPDX-License-Identifier: GPL-2.0

//! `target_nap_in_callee` does not sleep any more.

use molt::prelude::*;

patch! {
    description: "target_nap_in_callee does not sleep any more",
    license: "GPL",
    target: {
        target_nap_in_callee: unsafe extern "C" fn() -> c_int => awake,
    },
}

/// Replaces `target_nap_in_callee`.
extern "C" fn awake() -> c_int {
    2
}
