// SPDX-License-Identifier: GPL-2.0

//! Uses a function, a variable and a static call that only `target` itself can name.

use molt::prelude::*;

patch! {
    description: "Uses a function, a variable and a static call that only the target can name",
    license: "GPL",
    target: {
        target_private: unsafe extern "C" fn() -> c_int => sum,
        extern fn target_hidden: unsafe extern "C" fn(number: c_int) -> c_int,
        extern static mut hidden: c_int,
        extern fn __SCT__target_call as call: unsafe extern "C" fn() -> c_int,
    },
}

/// Replaces `target_private`: all three can be read off the result.
extern "C" fn sum() -> c_int {
    // SAFETY: The target is loaded while it is patched, and its functions are safe to call.
    unsafe { hidden * 100_000 + target_hidden(100) * 10 + call() }
}
