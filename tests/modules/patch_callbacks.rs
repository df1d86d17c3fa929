// SPDX-License-Identifier: GPL-2.0

//! Callbacks of the kernel and of two modules.

#[path = "shared/journal.rs"]
mod journal;

use molt::prelude::*;

patch! {
    description: "Callbacks of the kernel and of two modules",
    license: "GPL",
    vmlinux: {
        cmdline_proc_show => show,
        callbacks {
            pre_patch: journal::pre_patch,
            post_patch: journal::post_patch,
            pre_unpatch: journal::pre_unpatch,
            post_unpatch: journal::post_unpatch,
        },
    },
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
        callbacks {
            pre_patch: journal::pre_patch,
            post_patch: journal::post_patch,
            pre_unpatch: journal::pre_unpatch,
            post_unpatch: journal::post_unpatch,
        },
    },
    target: {
        target_nap: unsafe extern "C" fn() -> c_int => awake,
        callbacks {
            pre_patch: journal::pre_patch,
            post_patch: journal::post_patch,
            pre_unpatch: journal::pre_unpatch,
            post_unpatch: journal::post_unpatch,
        },
    },
}

/// Replaces `cmdline_proc_show` of fs/proc/cmdline.c.
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

/// Replaces `late_value`.
extern "C" fn two() -> c_int {
    2
}

/// Replaces `target_nap`, and does not sleep.
extern "C" fn awake() -> c_int {
    2
}

/// What it calls itself in the journal.
const NAME: &CStr = c"patch_callbacks";
