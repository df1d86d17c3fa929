// SPDX-License-Identifier: GPL-2.0

//! A module that is nowhere to be found, and no prototype to go by.

use molt::prelude::*;

patch! {
    description: "No such module",
    license: "GPL",
    no_such_module: { some_function => nothing },
}

extern "C" fn nothing() {}
