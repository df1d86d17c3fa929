// SPDX-License-Identifier: GPL-2.0

//! The core's own work queues. Their work comes before the machine's load: a fix is not to wait
//! behind what it fixes.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use crate::edge::bindings;
use kernel::{
    ffi,
    prelude::*,
    str::CStr,
    workqueue::Queue, //
};

/// A work queue. Dropping it waits for the work under way.
///
/// # Invariants
///
/// The pointer is a work queue that this value owns.
pub(crate) struct WorkQueue(*mut bindings::workqueue_struct);

// SAFETY: a work queue may be used and destroyed from any thread.
unsafe impl Send for WorkQueue {}
// SAFETY: queueing synchronises itself.
unsafe impl Sync for WorkQueue {}

impl WorkQueue {
    /// One piece of work at a time, in the order in which it comes. Process context.
    pub(crate) fn ordered(name: &'static CStr) -> Result<Self> {
        // What `alloc_ordered_workqueue` passes.
        Self::new(name, bindings::wq_flags___WQ_ORDERED, 1)
    }

    /// All work at the same time. Process context.
    pub(crate) fn concurrent(name: &'static CStr) -> Result<Self> {
        Self::new(name, 0, 0)
    }

    fn new(name: &'static CStr, flags: bindings::wq_flags, active: ffi::c_int) -> Result<Self> {
        let flags = flags | bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags_WQ_HIGHPRI;
        // SAFETY: the format takes one string.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(c"%s".as_char_ptr(), flags, active, name.as_char_ptr())
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

impl Drop for WorkQueue {
    fn drop(&mut self) {
        // SAFETY: ours by the type invariant; it drains the queue first.
        unsafe { bindings::destroy_workqueue(self.0) }
    }
}
