// SPDX-License-Identifier: GPL-2.0

//! A cumulative patch: enabling it supersedes every patch before it, at one instant. Their
//! functions that it does not have go back to the kernel's own code, and their modules can be
//! unloaded.

use molt::prelude::*;

patch! {
    description: "Replaces all patches, and shows another text in /proc/cmdline",
    license: "GPL",
    replace: true,
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
    seq_print!(m, "this kernel has been patched twice while it ran\n");
    0
}
