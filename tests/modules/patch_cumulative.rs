// SPDX-License-Identifier: GPL-2.0

//! Replaces all patches before it: of those functions, some.

use molt::prelude::*;

patch! {
    description: "Replaces all patches before it: of those functions, some",
    license: "GPL",
    replace: true,
    vmlinux: {
        cmdline_proc_show => show,
    },
    target: {
        target_value: unsafe extern "C" fn() -> c_int => five,
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
    seq_print!(m, "cumulative\n");
    0
}

/// Replaces `target_value`.
extern "C" fn five() -> c_int {
    5
}
