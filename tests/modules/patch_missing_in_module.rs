// SPDX-License-Identifier: GPL-2.0

//! A function that the module does not have: must be refused.

use molt::prelude::*;

patch! {
    description: "A function that the module does not have: must be refused",
    license: "GPL",
    target: {
        target_no_such_function: unsafe extern "C" fn() -> c_int => nothing,
    },
}

/// Would replace nothing.
extern "C" fn nothing() -> c_int {
    0
}
