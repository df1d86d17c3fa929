// SPDX-License-Identifier: GPL-2.0

//! One event, waited for in the ways the core needs: the kernel crate's `Completion` waits only
//! uninterruptibly and without a limit.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h)

use crate::edge::bindings;
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// Something that happens once.
#[pin_data]
pub(crate) struct Completion {
    #[pin]
    raw: Opaque<bindings::completion>,
}

// SAFETY: a C completion may be used from any thread.
unsafe impl Send for Completion {}
// SAFETY: it synchronises itself.
unsafe impl Sync for Completion {}

impl Completion {
    /// Not yet happened.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `slot` is valid for a completion, and it stays there (it is pinned).
            raw <- Opaque::ffi_init(|slot| unsafe { bindings::init_completion(slot) }),
        })
    }

    /// It has happened; wakes all waiters, now and later. Any context but NMI.
    pub(crate) fn complete(&self) {
        // SAFETY: initialised by `new`.
        unsafe { bindings::complete_all(self.raw.get()) }
    }

    /// Whether it has happened. Any context.
    pub(crate) fn is_done(&self) -> bool {
        // SAFETY: initialised by `new`.
        unsafe { bindings::completion_done(self.raw.get()) }
    }

    /// Waits for it. Process context.
    pub(crate) fn wait(&self) {
        // SAFETY: initialised by `new`.
        unsafe { bindings::wait_for_completion(self.raw.get()) }
    }

    /// Waits for it, or until the caller has been killed; true when it has happened. Process
    /// context.
    pub(crate) fn wait_killable(&self) -> bool {
        // SAFETY: initialised by `new`.
        unsafe { bindings::wait_for_completion_killable(self.raw.get()) == 0 }
    }

    /// Waits for it for at most `milliseconds`; true when it has happened. Process context.
    pub(crate) fn wait_for(&self, milliseconds: u32) -> bool {
        // SAFETY: `__msecs_to_jiffies` only computes; the completion was initialised by `new`.
        unsafe {
            let jiffies = bindings::__msecs_to_jiffies(milliseconds);
            bindings::wait_for_completion_timeout(self.raw.get(), jiffies) != 0
        }
    }
}
