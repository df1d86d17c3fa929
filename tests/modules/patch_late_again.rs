// SPDX-License-Identifier: GPL-2.0

//! `late_value` returns 3, `late_other` too.

use molt::prelude::*;

patch! {
    description: "late_value returns 3, late_other too",
    license: "GPL",
    late: {
        late_value: unsafe extern "C" fn() -> c_int => three,
        late_other: unsafe extern "C" fn() -> c_int => three,
    },
}

/// Replaces `late_value` and `late_other`.
extern "C" fn three() -> c_int {
    3
}
