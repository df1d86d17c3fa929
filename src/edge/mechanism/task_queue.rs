// SPDX-License-Identifier: GPL-2.0

//! A queue of tasks, each at most once, that keeps them from being freed.

use crate::{
    edge::kernel::{
        stop::Stopped,
        tasks::{
            Task,
            TaskRef, //
        }, //
    },
    pure::unique_queue::{
        Pushed,
        UniqueQueue, //
    }, //
};
use core::{
    mem,
    num::NonZeroUsize,
    ops::ControlFlow, //
};
use kernel::{
    alloc::flags::__GFP_ZERO,
    prelude::*, //
};

/// A queue of tasks, each in it at most once. One context pushes, another pops.
///
/// # Invariants
///
/// Each value in the queue is the address of a task of which it holds one reference.
pub(crate) struct TaskQueue(KBox<UniqueQueue>);

impl TaskQueue {
    /// An empty queue, of 10 KiB. Process context.
    pub(crate) fn new() -> Result<Self> {
        let queue = KBox::<UniqueQueue>::new_uninit(GFP_KERNEL | __GFP_ZERO)?;
        // SAFETY: zeroes are an empty queue, says its documentation.
        // INVARIANT: there is no value in it.
        Ok(Self(unsafe { queue.assume_init() }))
    }

    /// Puts `task` in, with a reference when it is new. False when there was no room. Any context
    /// but NMI; one caller at a time.
    #[inline(always)]
    pub(crate) fn push(&self, task: Task<'_>) -> bool {
        let Some(address) = NonZeroUsize::new(task.as_ptr() as usize) else {
            return true;
        };
        // INVARIANT: the reference is taken before the value is in the queue, and kept with it.
        self.0.push(address, || mem::forget(task.reference())) != Pushed::Lost
    }

    /// Takes the oldest. One caller at a time.
    pub(crate) fn pop(&self) -> Option<TaskRef> {
        let address = self.0.pop()?;
        // SAFETY: by the type invariant the queue had a reference, which is the result's now.
        Some(unsafe { TaskRef::from_raw(address.get() as *mut _) })
    }

    /// How many there are, for the side that pops.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Drops all that are there now.
    pub(crate) fn clear(&self) {
        for _ in 0..self.len() {
            drop(self.pop());
        }
    }

    /// Visits all of them, until it breaks off, while nobody can push or pop.
    pub(crate) fn for_each_stopped(
        &self,
        _: &Stopped<'_>,
        mut visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.0.for_each(|address| {
            // SAFETY: by the type invariant the queue's reference keeps it.
            visit(unsafe { Task::from_raw(address.get() as *mut _) })
        })
    }

    /// Whether `task` is in it, while nobody can push or pop.
    pub(crate) fn holds_stopped(&self, _: &Stopped<'_>, task: Task<'_>) -> bool {
        NonZeroUsize::new(task.as_ptr() as usize).is_some_and(|address| self.0.holds(address))
    }
}

impl Drop for TaskQueue {
    fn drop(&mut self) {
        self.clear();
    }
}
