// SPDX-License-Identifier: GPL-2.0

//! `/proc/cmdline` shows one word.

use molt::prelude::*;

patch! {
    description: "/proc/cmdline shows one word",
    license: "GPL",
    vmlinux: {
        cmdline_proc_show => show,
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
    seq_print!(m, "patched\n");
    0
}
