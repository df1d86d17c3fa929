// SPDX-License-Identifier: GPL-2.0

//! A function of a module that is not loaded.

use molt::prelude::*;

patch! {
    description: "A function of a module that is not loaded",
    license: "GPL",
    no_such_module: {
        some_function: unsafe extern "C" fn() -> c_int => nothing,
    },
}

/// Would replace nothing.
extern "C" fn nothing() -> c_int {
    0
}
