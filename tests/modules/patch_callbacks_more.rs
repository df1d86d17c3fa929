// SPDX-License-Identifier: GPL-2.0

//! Callbacks of the kernel, and nothing else.

#[path = "shared/journal.rs"]
mod journal;

use molt::prelude::*;

patch! {
    description: "Callbacks of the kernel, and nothing else",
    license: "GPL",
    vmlinux: {
        callbacks {
            pre_patch: journal::pre_patch,
            post_patch: journal::post_patch,
            pre_unpatch: journal::pre_unpatch,
            post_unpatch: journal::post_unpatch,
        },
    },
}

/// What it calls itself in the journal.
const NAME: &CStr = c"patch_callbacks_more";
