// SPDX-License-Identifier: GPL-2.0

//! Replaces all patches before it, the cumulative one too.

use molt::prelude::*;

patch! {
    description: "Replaces all patches before it, the cumulative one too",
    license: "GPL",
    replace: true,
    target: {
        target_first: unsafe extern "C" fn() -> c_int => six,
    },
    late: {
        late_value: unsafe extern "C" fn() -> c_int => six,
    },
}

/// Replaces `target_first` and `late_value`.
extern "C" fn six() -> c_int {
    6
}
