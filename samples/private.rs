// SPDX-License-Identifier: GPL-2.0

//! Private symbols: a function and a variable of the kernel that no module may use by the ordinary
//! way, since neither is exported.

use molt::prelude::*;

patch! {
    description: "Shows in /proc/version how many processes there are and were",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern fn nr_processes,
        extern static total_forks: c_ulong,
    },
}

/// Replaces `version_proc_show` of `fs/proc/version.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    // SAFETY: it may be called anywhere; it adds up counters.
    let now = unsafe { nr_processes() };
    // SAFETY: an aligned word, which may be read while others write it.
    let ever = unsafe { (&raw const total_forks).read_volatile() };
    seq_print!(m, "{now} processes of {ever} since the start\n");
    0
}
