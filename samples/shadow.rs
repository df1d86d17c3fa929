// SPDX-License-Identifier: GPL-2.0

//! A field that a structure of the kernel does not have: each open `/proc/version` counts how often
//! it was read. The count belongs to the `struct seq_file` of the open file: it is made when the
//! file is read for the first time, and removed where the kernel frees the structure.
//!
//! A program that opens the file once and reads it again and again from the start (`pread`) sees
//! the count go up; another program has its own.

use kernel::sync::atomic::{ordering::Relaxed, Atomic};
use molt::prelude::*;

patch! {
    description: "Counts how often an open /proc/version was read",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        single_release => release,
        callbacks { post_unpatch: forget },
    },
}

/// How often an open file was read.
// SAFETY: nobody else uses the id, and an `Atomic` points nowhere.
static READS: Shadow<Atomic<u32>> = unsafe { Shadow::new(0x7265_6164) };

/// Replaces `version_proc_show` of `fs/proc/version.c`.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    let reads = match READS.get_or_init(m, || Atomic::new(0), GFP_KERNEL) {
        Ok(reads) => reads.fetch_add(1, Relaxed).wrapping_add(1),
        Err(error) => return error.to_errno(),
    };
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    seq_print!(m, "read {reads} times since it was opened\n");
    0
}

/// Replaces `single_release` of `fs/seq_file.c`, which closes `/proc/version` and other small
/// files.
///
/// # Safety
///
/// `file` was opened by `single_open`, and its last user is gone.
unsafe extern "C" fn release(inode: *mut c::inode, file: *mut c::file) -> c_int {
    // SAFETY: `single_open` has put the `seq_file` there.
    let m = unsafe { (*file).private_data.cast::<c::seq_file>() };
    // SAFETY: the file has no user any more, so nobody is in `show` with it.
    let _ = unsafe { READS.remove(m) };
    // SAFETY: as in the function that this one replaces: the operations are freed after who uses
    // them.
    unsafe {
        let operations = (*m).op;
        let result = c::seq_release(inode, file);
        c::kfree(operations.cast());
        result
    }
}

/// Removes the counts of files that are still open: the kernel's own `single_release` would leave
/// them. An operator who forces the change leaves tasks in `show`, whose counts stay.
fn forget(target: &Target<'_>) {
    if !target.is_forced() {
        // SAFETY: no task is in `show` or `release` any more, and nobody else uses the id.
        unsafe { READS.remove_all() };
    }
}
