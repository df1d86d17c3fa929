// SPDX-License-Identifier: GPL-2.0

//! The kernel and two modules.

use molt::prelude::*;

patch! {
    description: "The kernel and two modules",
    license: "GPL",
    vmlinux: {
        cmdline_proc_show => show,
    },
    target: {
        target_value: unsafe extern "C" fn() -> c_int => two,
        target_nap: unsafe extern "C" fn() -> c_int => awake,
    },
    late: {
        late_value: unsafe extern "C" fn() -> c_int => two,
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
    seq_print!(m, "everywhere\n");
    0
}

/// Replaces `target_value` and `late_value`.
extern "C" fn two() -> c_int {
    2
}

/// Replaces `target_nap`, and does not sleep.
extern "C" fn awake() -> c_int {
    2
}
