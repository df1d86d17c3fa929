// SPDX-License-Identifier: GPL-2.0

//! Shows where two of the many variables of one name are.

use molt::prelude::*;

patch! {
    description: "Shows where two of the many variables of one name are",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern static "__already_done.0"[2] as second: u8,
        extern static "__already_done.0"[10] as tenth: u8,
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
    let places = [&raw const second as usize, &raw const tenth as usize];
    seq_print!(m, "{:016x} {:016x}\n", places[0], places[1]);
    0
}
