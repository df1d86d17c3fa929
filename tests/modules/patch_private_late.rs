// SPDX-License-Identifier: GPL-2.0

//! Uses a function of a module that comes later.

use molt::prelude::*;

patch! {
    description: "Uses a function of a module that comes later",
    license: "GPL",
    late: {
        late_other: unsafe extern "C" fn() -> c_int => more,
        extern fn late_value: unsafe extern "C" fn() -> c_int,
    },
}

/// Replaces `late_other`.
extern "C" fn more() -> c_int {
    // SAFETY: The module is loaded while it is patched, and its function is safe to call.
    40 + unsafe { late_value() }
}
