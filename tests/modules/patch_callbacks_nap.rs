// SPDX-License-Identifier: GPL-2.0

//! Callbacks of a module whose function sleeps.

#[path = "shared/journal.rs"]
mod journal;

use molt::prelude::*;

patch! {
    description: "Callbacks of a module whose function sleeps",
    license: "GPL",
    target: {
        target_nap: unsafe extern "C" fn() -> c_int => nap,
        callbacks {
            pre_patch: journal::pre_patch,
            post_patch: journal::post_patch,
            pre_unpatch: journal::pre_unpatch,
            post_unpatch: journal::post_unpatch,
        },
    },
}

extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

/// Replaces `target_nap`, and sleeps in its own text.
///
/// # Safety
///
/// The caller may sleep.
unsafe extern "C" fn nap() -> c_int {
    // SAFETY: It only sleeps.
    unsafe { target_wait() };
    2
}

/// What it calls itself in the journal.
const NAME: &CStr = c"patch_callbacks_nap";
