// SPDX-License-Identifier: GPL-2.0

//! A patch that changes more than code: it raises the log level of the console, so that all
//! messages are seen there, and gives it back when it is disabled. `/proc/sys/kernel/printk` shows
//! it.
//!
//! The next version of this patch replaces it. Then the level was raised already, and what it was
//! before only this one knows: so it remembers that in a system state, where the next finds it.

use core::ptr;
use molt::prelude::*;

patch! {
    description: "Shows all messages of the kernel on the console",
    license: "GPL",
    replace: true,
    states: [LEVEL],
    vmlinux: {
        version_proc_show => show,
        callbacks {
            pre_patch: remember,
            post_patch: raise,
            pre_unpatch: restore,
            post_unpatch: forget,
        },
    },
}

/// The level before the first of these patches. Raise the version when it becomes another type, or
/// when older patches could not undo what this one does.
static LEVEL: State<c_int> = State::new(0x6c_766c, 1);

/// The level that lets everything through.
const ALL: c_int = 15;

/// Replaces `version_proc_show` of `fs/proc/version.c`: a patch is about some function.
///
/// # Safety
///
/// `m` is the open file, used by nobody else during the call.
unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: what the caller guarantees.
    let m = unsafe { SeqFile::from_raw(m) };
    match LEVEL.get() {
        Some(level) => seq_print!(m, "the log level of the console was {}\n", *level),
        None => seq_print!(m, "the log level of the console is not remembered\n"),
    }
    0
}

/// `console_loglevel` of the kernel: the first number of an array whose length C does not tell.
fn console() -> *mut c_int {
    (&raw mut c::console_printk).cast()
}

/// Before the change, which is still refused if there is no memory.
fn remember(target: &Target<'_>) -> Result {
    let level = match LEVEL.previous(target) {
        // SAFETY: version 1 of the state is a `c_int`, and there is no other yet.
        Some(previous) => unsafe { previous.share::<c_int>() }.ok_or(EINVAL)?,
        None => {
            // SAFETY: a number that is written without a lock.
            let level = unsafe { ptr::read_volatile(console()) };
            Arc::new(level, GFP_KERNEL)?
        }
    };
    LEVEL.set(level);
    Ok(())
}

/// After the change: now nothing can go wrong.
fn raise(_target: &Target<'_>) {
    // SAFETY: as in `remember`.
    unsafe { ptr::write_volatile(console(), ALL) };
}

/// Before the change back. Not called when another patch replaces this one: that takes over.
fn restore(_target: &Target<'_>) {
    if let Some(level) = LEVEL.get() {
        // SAFETY: as in `remember`.
        unsafe { ptr::write_volatile(console(), *level) };
    }
}

/// After the change back, and after a change that was refused.
fn forget(_target: &Target<'_>) {
    LEVEL.take();
}
