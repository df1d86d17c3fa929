// SPDX-License-Identifier: GPL-2.0

//! A function that a module which comes later does not have.

use molt::prelude::*;

patch! {
    description: "A function that a module which comes later does not have",
    license: "GPL",
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
        late_no_such_function: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `late_value`, and would replace what is not there.
extern "C" fn two() -> c_int {
    2
}
