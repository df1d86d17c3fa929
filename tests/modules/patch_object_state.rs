// SPDX-License-Identifier: GPL-2.0

//! A module with the name of a file in a patch's folder.

use molt::prelude::*;

patch! {
    description: "Names a module as a file is named",
    license: "GPL",
    state: { nothing: unsafe extern "C" fn() => nothing },
}

/// # Safety
///
/// None.
unsafe extern "C" fn nothing() {}
