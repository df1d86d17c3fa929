// SPDX-License-Identifier: GPL-2.0

//! The third of two functions of one name: must be refused.

use molt::prelude::*;

patch! {
    description: "The third of two functions of one name: must be refused",
    license: "GPL",
    target: {
        target_twin[3]: unsafe extern "C" fn() -> c_int => twin,
    },
}

/// Would replace a third `target_twin`.
extern "C" fn twin() -> c_int {
    33
}
