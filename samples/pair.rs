// SPDX-License-Identifier: GPL-2.0

//! Two functions that change together: how long the machine has been up and how busy it is are
//! seen from inside every container. One door closed and the other open would be no fix, so both
//! close at one instant: who has seen the new text in one file never sees the old in the other.

use molt::prelude::*;

patch! {
    description: "Hides uptime and load of the machine",
    license: "GPL",
    vmlinux: {
        uptime_proc_show => uptime,
        loadavg_proc_show => loadavg,
    },
}

/// Replaces `uptime_proc_show` of `fs/proc/uptime.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn uptime(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "0.00 0.00\n");
    0
}

/// Replaces `loadavg_proc_show` of `fs/proc/loadavg.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn loadavg(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "0.00 0.00 0.00 0/0 0\n");
    0
}
