// SPDX-License-Identifier: GPL-2.0

//! What is fixed, and how one sees that it is.

use molt::prelude::*;

patch! {
    description: "Shows another text in /proc/version",
    author: "Your Name <you@example.org>",
    license: "GPL",
    vmlinux: { version_proc_show => show },
}

/// Replaces `version_proc_show` of `fs/proc/version.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "a kernel with a patch of yours\n");
    0
}
