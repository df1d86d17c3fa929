// SPDX-License-Identifier: GPL-2.0

//! Tasks that exit.
//!
//! A task that exits is taken off the task list (by itself or its parent) while it still runs
//! kernel code, which it may be preempted in or sleep in. No walk over the list sees it there, so
//! those that exit are remembered from a point where they are still on the list.
//!
//! A task that had begun to exit before anybody listened is found on the list by its flag. One that
//! was off the list by then and is preempted is waited for with a grace period of RCU-tasks; one
//! that slept all the time cannot be found, which is a limit that `docs/design/who-ran.md` names,
//! with the argument case by case.

use crate::edge::kernel::{
    stop::Stopped,
    tasks::{
        self,
        Task,
        TaskRef, //
    },
    tracepoint::{
        ExitListener,
        ExitProbe, //
    }, //
};
use core::ops::ControlFlow;
use kernel::{
    new_mutex,
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SpinLock, //
    }, //
};

/// Room for tasks that exit at the same time, before more has to be found without sleeping.
const CAPACITY: usize = 1024;

/// The tasks that exit, complete or known not to be.
#[pin_data]
pub(crate) struct Exits {
    #[pin]
    memory: SpinLock<Memory>,
    /// Held while it is made complete: others wait meanwhile.
    #[pin]
    completing: Mutex<()>,
}

struct Memory {
    tasks: KVec<TaskRef>,
    /// Length at which the dead are forgotten next: they must not hold memory for long.
    limit: usize,
    /// Every task that is off the list and not dead yet is in `tasks`.
    complete: bool,
    /// How many tasks found no room.
    lost: usize,
}

impl Exits {
    /// Begins to listen. Nothing is complete before the first [`Exits::complete`].
    pub(crate) fn listen() -> Result<(Arc<Self>, ExitProbe<Self>)> {
        let tasks = KVec::with_capacity(CAPACITY, GFP_KERNEL)?;
        let exits = Arc::pin_init(
            pin_init!(Self {
                memory <- new_spinlock!(Memory { tasks, limit: 0, complete: false, lost: 0 }),
                completing <- new_mutex!(()),
            }),
            GFP_KERNEL,
        )?;
        let probe = ExitProbe::new(exits.clone())?;
        Ok((exits, probe))
    }

    /// Makes the memory complete if it is not. Process context; may sleep for a grace period.
    pub(crate) fn complete(&self) {
        let _completing = self.completing.lock();
        let lost = {
            let mut memory = self.memory.lock();
            memory.forget_dead();
            if memory.complete {
                return;
            }
            memory.lost
        };
        tasks::for_each(|task| {
            if task.is_exiting() {
                self.exits(task);
            }
        });
        tasks::wait_for_unlisted();
        let mut memory = self.memory.lock();
        // A task that has found no room since may be off the list by now.
        memory.complete = memory.lost == lost;
    }

    /// Visits the tasks that are off the list, while the machine runs. `visit` must not sleep.
    /// False when some may be missing.
    pub(crate) fn for_each(&self, visit: impl FnMut(Task<'_>)) -> bool {
        let memory = self.memory.lock();
        memory.unlisted().for_each(visit);
        memory.complete
    }

    /// Visits every task that is off the list, until it breaks off. False when some may be missing.
    pub(crate) fn for_each_stopped(
        &self,
        _: &Stopped<'_>,
        visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<(), bool> {
        // Nobody holds it: a holder cannot be preempted, and all CPUs are in their stopper threads.
        let Some(memory) = self.memory.try_lock() else {
            return ControlFlow::Continue(false);
        };
        memory.unlisted().try_for_each(visit)?;
        ControlFlow::Continue(memory.complete)
    }
}

impl Memory {
    /// Those still listed are visited with the list.
    fn unlisted(&self) -> impl Iterator<Item = Task<'_>> {
        let tasks = self.tasks.iter().map(TaskRef::borrow);
        tasks.filter(|task| !task.is_listed())
    }

    /// Each task is looked at a constant number of times on average, because the limit is twice the
    /// number of those that live.
    fn forget_dead(&mut self) {
        self.tasks.retain(|task| !task.borrow().is_dead());
        self.limit = self.tasks.len().saturating_mul(2).max(32);
    }
}

impl ExitListener for Exits {
    fn exits(&self, task: Task<'_>) {
        let mut memory = self.memory.lock();
        if memory.tasks.len() >= memory.limit {
            memory.forget_dead();
        }
        if memory.tasks.push(task.reference(), GFP_ATOMIC).is_err() {
            memory.complete = false;
            memory.lost = memory.lost.wrapping_add(1);
        }
    }
}

/// Visits every task; false when somebody may be missing.
pub(crate) fn everybody(
    stopped: &Stopped<'_>,
    exits: &Exits,
    mut visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
) -> ControlFlow<(), bool> {
    tasks::for_each_stopped(stopped, &mut visit)?;
    exits.for_each_stopped(stopped, visit)
}
