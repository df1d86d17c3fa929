// SPDX-License-Identifier: GPL-2.0

//! Replaces all patches and knows nothing of the console's log level, only of another state.

use molt::prelude::*;

patch! {
    description: "Replaces all patches and knows nothing of the console's log level",
    license: "GPL",
    replace: true,
    states: [OTHER],
    target: {
        target_value: unsafe extern "C" fn() -> c_int => value,
    },
}

static OTHER: State<c_int> = State::new(0x0de1, 9);

/// Replaces `target_value`.
extern "C" fn value() -> c_int {
    9
}
