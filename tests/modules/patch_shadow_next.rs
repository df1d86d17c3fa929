// SPDX-License-Identifier: GPL-2.0

//! Goes on with the values that patch_shadow has left.

use molt::prelude::*;

#[path = "shadow/operations.rs"]
mod operations;

patch! {
    description: "Goes on with the values that patch_shadow has left",
    license: "GPL",
    target: {
        target_object: unsafe extern "C" fn(*mut c_void, c_uint, c_uint, c_long) -> c_long
            => operations::object,
    },
}
