// SPDX-License-Identifier: GPL-2.0

//! A function of a module which comes later and cannot be patched.

use molt::prelude::*;

patch! {
    description: "A function of a module which comes later and cannot be patched",
    license: "GPL",
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
        late_notrace: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `late_value`, and would replace `late_notrace`.
extern "C" fn two() -> c_int {
    2
}
