// SPDX-License-Identifier: GPL-2.0

//! `target_spin` does not spin any more.

use molt::prelude::*;

patch! {
    description: "target_spin does not spin any more",
    license: "GPL",
    target: {
        target_spin: unsafe extern "C" fn() -> c_int => rest,
    },
}

/// Replaces `target_spin`.
extern "C" fn rest() -> c_int {
    2
}
