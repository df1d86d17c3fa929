// SPDX-License-Identifier: GPL-2.0

//! Callbacks of a patch that replaces all before it.

#[path = "shared/journal.rs"]
mod journal;

use molt::prelude::*;

patch! {
    description: "Callbacks of a patch that replaces all before it",
    license: "GPL",
    replace: true,
    vmlinux: {
        version_proc_show => show,
        callbacks {
            pre_patch: journal::pre_patch,
            post_patch: journal::post_patch,
            pre_unpatch: journal::pre_unpatch,
            post_unpatch: journal::post_unpatch,
        },
    },
}

/// Replaces `version_proc_show` of fs/proc/version.c.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: What the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "callbacks\n");
    0
}

/// What it calls itself in the journal.
const NAME: &CStr = c"patch_callbacks_replace";
