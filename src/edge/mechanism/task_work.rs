// SPDX-License-Identifier: GPL-2.0

//! What a task is to do for a migration when it returns to user mode: go to the new universe.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h)

use crate::edge::{
    bindings,
    kernel::tasks::{
        self,
        Task,
        TaskRef, //
    },
    mechanism::migration::Migration, //
};
use core::cell::UnsafeCell;
use kernel::{
    container_of,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        Arc, //
    }, //
};

/// A piece of work that a task carries out for itself.
///
/// # Invariants
///
/// While the task has it, it is on the task's list of work and has a reference there, which the
/// task takes with it.
struct Work {
    head: UnsafeCell<bindings::callback_head>,
    migration: Arc<Migration>,
    done: Atomic<bool>,
}

// SAFETY: the head is the kernel's once it was handed over, and its list synchronises itself.
unsafe impl Send for Work {}
// SAFETY: as above.
unsafe impl Sync for Work {}

/// A task on its way, or back.
pub(crate) struct TaskWork {
    task: TaskRef,
    work: Arc<Work>,
}

impl TaskWork {
    /// Sends `task`, one that has a user mode. `urgent`: its sleep in the kernel is interrupted if
    /// it may be, as by a signal, and a call that does not begin again by itself returns `EINTR`.
    /// Process context.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ESRCH` when the task exits.
    pub(crate) fn add(task: Task<'_>, migration: Arc<Migration>, urgent: bool) -> Result<Self> {
        let head = bindings::callback_head {
            func: Some(arrived),
            ..Default::default()
        };
        let work = Work {
            head: UnsafeCell::new(head),
            migration,
            done: Atomic::new(false),
        };
        let work = Arc::new(work, GFP_KERNEL)?;
        let notify = if urgent {
            bindings::task_work_notify_mode_TWA_SIGNAL
        } else {
            bindings::task_work_notify_mode_TWA_RESUME
        };
        // INVARIANT: the list has this reference.
        let handed = Arc::into_raw(work.clone());
        // SAFETY: the task is valid, and the head stays as long as there is a reference.
        let refused =
            unsafe { bindings::task_work_add(task.as_ptr(), (*handed).head.get(), notify) };
        if refused != 0 {
            // SAFETY: the list did not take it.
            drop(unsafe { Arc::from_raw(handed) });
            return Err(ESRCH);
        }
        Ok(Self {
            task: task.reference(),
            work,
        })
    }

    /// Whether it is for this task.
    pub(crate) fn is_of(&self, task: Task<'_>) -> bool {
        self.task.borrow().id() == task.id()
    }

    /// Whether the task has carried it out.
    pub(crate) fn is_done(&self) -> bool {
        self.work.done.load(Acquire)
    }

    /// Takes it back. False when the task has it in hand: then it is done in a moment. Process
    /// context.
    pub(crate) fn cancel(&self) -> bool {
        if self.is_done() {
            return true;
        }
        // SAFETY: the task and the head are valid.
        let cancelled = unsafe {
            bindings::private::task_work_cancel(self.task.borrow().as_ptr(), self.work.head.get())
        };
        if cancelled {
            self.work.done.store(true, Relaxed);
            // SAFETY: by the type invariant the list's reference, which is ours now.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(&self.work)) });
        }
        cancelled
    }
}

/// Waits until no task is in [`arrived`], after all task work is done. Process context; 10 to 100
/// ms.
pub(crate) fn wait_for_arrived() {
    // A task that is preempted there has not been through the scheduler by itself since.
    tasks::wait_for_unlisted();
}

/// Mostly on the way to user mode, but the kernel does such work elsewhere too: so the stack is
/// looked at.
///
/// # Safety
///
/// Called by the kernel with the head of a [`Work`] that was on the list of the calling task.
unsafe extern "C" fn arrived(head: *mut bindings::callback_head) {
    let work: *const Work = container_of!(
        head.cast::<UnsafeCell<bindings::callback_head>>(),
        Work,
        head
    );
    // SAFETY: by the type invariant of `Work` the list's reference is ours now.
    let work = unsafe { Arc::from_raw(work) };
    // SAFETY: the calling task stays.
    let task = unsafe { Task::from_raw(crate::edge::arch::this_cpu::task() as *mut _) };
    work.migration.try_current(task);
    work.done.store(true, Release);
}
