// SPDX-License-Identifier: GPL-2.0

//! A function that stopper threads run.

use molt::prelude::*;

patch! {
    description: "A function that stopper threads run",
    license: "GPL",
    target: {
        target_stopped: unsafe extern "C" fn(*mut c_void) -> c_int => stopped,
    },
}

/// Replaces `target_stopped`.
extern "C" fn stopped(_unused: *mut c_void) -> c_int {
    2
}
