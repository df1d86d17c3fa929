// SPDX-License-Identifier: GPL-2.0

//! One of the functions of `patch_both`.

use molt::prelude::*;

patch! {
    description: "One of the functions of patch_both",
    license: "GPL",
    target: {
        target_first: unsafe extern "C" fn() -> c_int => three,
    },
}

/// Replaces `target_first`.
extern "C" fn three() -> c_int {
    3
}
