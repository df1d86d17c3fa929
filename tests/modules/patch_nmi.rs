// SPDX-License-Identifier: GPL-2.0

//! A function that is called from NMI context.

use molt::prelude::*;

patch! {
    description: "A function that is called from NMI context",
    license: "GPL",
    nmi_source: {
        nmi_value: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `nmi_value`.
extern "C" fn two() -> c_int {
    2
}
