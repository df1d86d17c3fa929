// SPDX-License-Identifier: GPL-2.0

//! A function that is called from NMI context, and one that a task spins in.

use molt::prelude::*;

patch! {
    description: "A function that is called from NMI context, and one that a task spins in",
    license: "GPL",
    nmi_source: {
        nmi_value: unsafe extern "C" fn() -> c_int => two,
    },
    target: {
        target_spin: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `nmi_value`, and `target_spin`, which does not spin any more.
extern "C" fn two() -> c_int {
    2
}
