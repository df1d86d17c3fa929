// SPDX-License-Identifier: GPL-2.0

//! The core's own work queue: one worker, one piece of work at a time, before the machine's load: a fix
//! is not to wait behind what it fixes.

use super::bindings;
use kernel::{prelude::*, str::CStr, workqueue::Queue};

/// An ordered work queue. Dropping it waits for the work under way.
///
/// # Invariants
///
/// The pointer is a work queue that this value owns.
pub(crate) struct OrderedQueue(*mut bindings::workqueue_struct);

// SAFETY: a work queue may be used and destroyed from any thread.
unsafe impl Send for OrderedQueue {}
// SAFETY: queueing synchronises itself.
unsafe impl Sync for OrderedQueue {}

impl OrderedQueue {
    /// Makes one. Process context.
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: the format takes one string. Flags and `max_active` are what
        // `alloc_ordered_workqueue` passes, and a high
        // priority (nice -20).
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND
                    | bindings::wq_flags_WQ_HIGHPRI
                    | bindings::wq_flags___WQ_ORDERED,
                1,
                name.as_char_ptr(),
            )
        };
        if queue.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: made just now.
        Ok(Self(queue))
    }

    /// To queue work on.
    pub(crate) fn get(&self) -> &Queue {
        // SAFETY: valid as long as `self` by the type invariant.
        unsafe { Queue::from_raw(self.0) }
    }
}

impl Drop for OrderedQueue {
    fn drop(&mut self) {
        // SAFETY: ours by the type invariant; it drains the queue first.
        unsafe { bindings::destroy_workqueue(self.0) }
    }
}
