// SPDX-License-Identifier: GPL-2.0

//! The second of two functions of one name.

use molt::prelude::*;

patch! {
    description: "The second of two functions of one name",
    license: "GPL",
    target: {
        target_twin[2]: unsafe extern "C" fn() -> c_int => twin,
    },
}

/// Replaces the second `target_twin`.
extern "C" fn twin() -> c_int {
    22
}
