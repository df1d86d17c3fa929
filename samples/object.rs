// SPDX-License-Identifier: GPL-2.0

//! A function of a module. If `pktgen` is loaded, it is patched with everything else; if it comes
//! later, it is patched before its first instruction runs. `cat /proc/net/pktgen/pgctrl` shows it.

use molt::prelude::*;

patch! {
    description: "Hides the version of the packet generator",
    license: "GPL",
    pktgen: { pgctrl_show => show },
}

/// Replaces `pgctrl_show` of `net/core/pktgen.c`.
///
/// # Safety
///
/// `seq` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(seq: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let seq = unsafe { SeqFile::from_raw(seq) };
    seq_print!(seq, "Packet generator\n");
    0
}
