// SPDX-License-Identifier: GPL-2.0

//! Keeps values for objects of target.ko in shadow variables.

use molt::prelude::*;

#[path = "shadow/operations.rs"]
mod operations;

patch! {
    description: "Keeps values for objects of target.ko in shadow variables",
    license: "GPL",
    target: {
        target_object: unsafe extern "C" fn(*mut c_void, c_uint, c_uint, c_long) -> c_long
            => operations::object,
    },
}
