// SPDX-License-Identifier: GPL-2.0

//! A patch that replaces nothing.

use molt::prelude::*;

patch! {
    description: "Nothing",
    license: "GPL",
}
