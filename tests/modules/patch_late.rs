// SPDX-License-Identifier: GPL-2.0

//! `late_value` returns 2, in a module that comes later.

use molt::prelude::*;

patch! {
    description: "late_value returns 2, in a module that comes later",
    license: "GPL",
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `late_value`.
extern "C" fn two() -> c_int {
    2
}
