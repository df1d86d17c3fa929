// SPDX-License-Identifier: GPL-2.0

//! `target_deep` does not sleep any more.

use molt::prelude::*;

patch! {
    description: "target_deep does not sleep any more",
    license: "GPL",
    target: {
        target_deep: unsafe extern "C" fn() -> c_int => shallow,
    },
}

/// Replaces `target_deep`.
extern "C" fn shallow() -> c_int {
    2
}
