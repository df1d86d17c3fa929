// SPDX-License-Identifier: GPL-2.0

//! One of two functions of one name, without saying which: must be refused.

use molt::prelude::*;

patch! {
    description: "One of two functions of one name, without saying which: must be refused",
    license: "GPL",
    target: {
        target_twin: unsafe extern "C" fn() -> c_int => twin,
    },
}

/// Would replace a `target_twin`.
extern "C" fn twin() -> c_int {
    33
}
