// SPDX-License-Identifier: GPL-2.0

//! A function without an ftrace site: must be refused.

use molt::prelude::*;

patch! {
    description: "A function without an ftrace site: must be refused",
    license: "GPL",
    target: {
        target_notrace: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Would replace `target_notrace`.
extern "C" fn two() -> c_int {
    2
}
