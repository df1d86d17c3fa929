// SPDX-License-Identifier: GPL-2.0

//! Callbacks: what has to happen before and after the switch. This one counts the readers of
//! /proc/version from the moment it is enabled, and tells the number when it is disabled.

use kernel::sync::atomic::{Atomic, Relaxed};
use molt::prelude::*;

patch! {
    description: "Counts the readers of /proc/version",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        callbacks {
            pre_patch: begin,
            post_unpatch: tell,
        },
    },
}

static READERS: Atomic<u64> = Atomic::new(0);

/// Nobody is in `show` yet.
fn begin(_target: &Target<'_>) -> Result {
    READERS.store(0, Relaxed);
    Ok(())
}

/// Nobody is in `show` any more, unless an operator has forced the change.
fn tell(target: &Target<'_>) {
    pr_info!(
        "{}: /proc/version was read {} times\n",
        target.name(),
        READERS.load(Relaxed)
    );
}

/// Replaces `version_proc_show` of `fs/proc/version.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    let before = READERS.fetch_add(1, Relaxed);
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "Linux, read {before} times before\n");
    0
}
