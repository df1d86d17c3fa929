// SPDX-License-Identifier: GPL-2.0

//! What is thought of a task, by where it is: whether it is in the way of a change.

use crate::{
    edge::{
        arch::stack::{
            self,
            Finding, //
        },
        kernel::tasks::Task,
        mechanism::migration::Migration, //
    },
    pure::ranges::Ranges,
    stacks::blockers::Found, //
};
use core::ops::ControlFlow;

/// How a try ends, as far as all tasks are concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody is inside, and nobody can have been missed.
    Clear,
    /// Somebody is, and nobody can have been missed.
    Blocked,
    /// Whatever was found, a task may have been missed.
    Unknown,
    /// Finding out takes longer than the CPUs may be held.
    Overrun,
    /// Nobody was inside, but an NMI handler has used one of the functions meanwhile.
    Vetoed,
}

/// What is thought of a task that is seen somewhere.
pub(crate) struct Judge<'a> {
    pub(crate) ranges: Ranges<'a>,
    /// For a change that is made task by task: a task in the way stays behind.
    pub(crate) behind: Option<Behind<'a>>,
    /// What the last look found.
    pub(crate) found: Found,
}

/// Where stragglers are noted.
pub(crate) struct Behind<'a> {
    /// One that has not begun.
    pub(crate) migration: &'a Migration,
    /// The one that it reverses: a task that is still in its old universe has nowhere to go.
    pub(crate) reversed: Option<&'a Migration>,
}

impl<'a> Judge<'a> {
    /// Nobody may be in the ranges. `found` is where to write what is in the way.
    pub(crate) fn new(ranges: Ranges<'a>, found: Found) -> Self {
        Self {
            ranges,
            behind: None,
            found,
        }
    }

    /// Nobody may be in the ranges but tasks that stay `behind`.
    pub(crate) fn per_task(ranges: Ranges<'a>, found: Found, behind: Behind<'a>) -> Self {
        Self {
            behind: Some(behind),
            ..Self::new(ranges, found)
        }
    }

    /// Whether the change is made task by task.
    pub(crate) fn is_per_task(&self) -> bool {
        self.behind.is_some()
    }

    /// No task is in the way, as far as has been seen, or those that are can stay behind.
    pub(crate) fn may_flip(&self) -> bool {
        match &self.behind {
            Some(behind) => !behind.migration.is_full(),
            None => self.found.is_clean(),
        }
    }

    /// Looks at one task and takes note of it. True when no more has to be known of it unless it
    /// runs.
    ///
    /// While all CPUs are held, the tasks on a CPU are the stopper threads, whose frames
    /// [`crate::patch::denylist`] keeps from being patched.
    pub(crate) fn look_at(&mut self, task: Task<'_>) -> bool {
        if task.on_cpu() {
            return false;
        }
        if self.already_there(task) {
            return true;
        }
        let finding = stack::walk(task, self.ranges);
        self.found.note(task, finding);
        match (&self.behind, finding) {
            (None, finding) => finding == Finding::Clean,
            (Some(behind), Finding::Clean) => {
                behind.migration.remove(task);
                true
            }
            (Some(behind), _) => behind.migration.add(task),
        }
    }

    /// What is left of a budget that is spent: nobody more can be looked at, but all may stay
    /// behind.
    pub(crate) fn give_up(&self, task: Task<'_>) -> ControlFlow<()> {
        let Some(behind) = &self.behind else {
            return ControlFlow::Break(());
        };
        if task.on_cpu() || self.already_there(task) || behind.migration.add(task) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    /// Whether `task` is where all are to go, and does not stay behind.
    fn already_there(&self, task: Task<'_>) -> bool {
        let there = self.is_in_new(task);
        if let (true, Some(behind)) = (there, &self.behind) {
            // A child that was looked at before its parent had noted it.
            behind.migration.remove(task);
        }
        there
    }

    /// Whether `task` stays behind in two universes, which nobody may.
    #[cfg(molt_check)]
    pub(crate) fn is_in_both(&self, task: Task<'_>) -> bool {
        let behind = self.behind.as_ref();
        self.is_in_new(task) && behind.is_some_and(|behind| behind.migration.contains(task))
    }

    /// Whether `task` is in the universe where all are to go: in the old one of the transition that
    /// is reversed.
    fn is_in_new(&self, task: Task<'_>) -> bool {
        let reversed = self.behind.as_ref().and_then(|behind| behind.reversed);
        reversed.is_some_and(|reversed| reversed.contains(task))
    }
}
