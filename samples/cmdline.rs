// SPDX-License-Identifier: GPL-2.0

//! The smallest patch: one function, whose effect `cat /proc/cmdline` shows.

use molt::prelude::*;

patch! {
    description: "Shows in /proc/cmdline that the kernel was patched",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

/// Replaces `cmdline_proc_show` of `fs/proc/cmdline.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "this kernel has been patched while it ran\n");
    0
}
