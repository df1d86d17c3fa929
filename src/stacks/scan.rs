// SPDX-License-Identifier: GPL-2.0

//! Looking at every stack: once while the machine runs, and then only at the tasks that have run
//! since.
//!
//! A stack changes only while its task runs. So a task that was seen outside of the ranges,
//! switched out, is still outside if it has not run since; and tasks that run are recorded
//! ([`crate::edge::mechanism::recorder`]). While all CPUs are held, only those that ran are left to
//! be verified. `docs/design/who-ran.md` has the argument case by case.

#[cfg(molt_check)]
use crate::stacks::crosscheck;
use crate::{
    edge::{
        kernel::{
            hotplug,
            stop::Stopped,
            tasks::{
                self,
                Task, //
            }, //
        },
        mechanism::{
            recorder::Recording,
            task_queue::TaskQueue, //
        }, //
    },
    stacks::{
        exits::{
            self,
            Exits, //
        },
        judge::{
            Judge,
            Verdict, //
        }, //
    }, //
};
use core::ops::ControlFlow;

/// Between two looks at the clock in a stop window: so many stacks, some tens of microseconds.
const STACKS_PER_LOOK: usize = 16;

/// What is known of where tasks are.
///
/// # Invariants
///
/// While `complete` holds, and unless the recording has overflowed or a CPU has gone since, every
/// task but the caller's either was judged while it was switched out and has not run since, or has
/// never run, or is among the suspects, or has been recorded.
pub(crate) struct Scan<'a> {
    exits: &'a Exits,
    recording: &'a Recording,
    pub(crate) judge: Judge<'a>,
    /// Tasks that ran, or were in the way, when they were looked at.
    suspects: &'a TaskQueue,
    complete: bool,
    /// CPUs that had gone when the survey began.
    gone: usize,
    /// Tasks looked at by the last survey.
    pub(crate) surveyed: usize,
    /// Stop windows in which everybody had to be verified.
    pub(crate) fallbacks: u32,
}

impl<'a> Scan<'a> {
    /// Nothing is known yet.
    pub(crate) fn new(exits: &'a Exits, recording: &'a Recording, judge: Judge<'a>) -> Self {
        // INVARIANT: not complete.
        Self {
            exits,
            recording,
            judge,
            suspects: recording.suspects(),
            complete: false,
            gone: 0,
            surveyed: 0,
            fallbacks: 0,
        }
    }

    /// Looks which tasks are in the way while the machine runs: at all of them, if need be, and
    /// then, in rounds, at those that ran meanwhile, as long as each round has half as many as the
    /// last. Process context.
    pub(crate) fn look(&mut self) {
        let mut looked = if self.is_complete() {
            self.narrow()
        } else {
            self.survey()
        };
        while self.judge.may_flip() {
            let fewer = self.narrow();
            if fewer > looked / 2 {
                break;
            }
            looked = fewer;
        }
    }

    /// Whether the suspects and the recorded tasks are all that is left to look at.
    fn is_complete(&self) -> bool {
        self.complete && !self.recording.has_overflowed() && self.gone == hotplug::gone()
    }

    /// Looks at every task. Returns how many there were.
    fn survey(&mut self) -> usize {
        self.exits.complete();
        self.judge.found.clear();
        self.suspects.clear();
        // INVARIANT: everything is looked at after it has begun to be recorded anew. The list of
        // tasks comes first: a task that leaves it while it is walked is among those that exit
        // then.
        self.gone = hotplug::gone();
        self.recording.restart();
        let mut kept = true;
        let mut look = |task: Task<'_>| {
            if !self.judge.look_at(task) {
                kept &= self.suspects.push(task);
            }
        };
        tasks::for_each(&mut look);
        let known = self.exits.for_each(&mut look);
        self.complete = kept && known;
        self.surveyed = self.judge.found.looked_at;
        self.surveyed
    }

    /// Looks at the suspects, and at the tasks that ran. Returns how many there were.
    fn narrow(&mut self) -> usize {
        self.judge.found.clear();
        let mut kept = true;
        self.recording
            .take(|task| kept &= self.suspects.push(task.borrow()));
        let count = self.suspects.len();
        for _ in 0..count {
            let Some(task) = self.suspects.pop() else {
                break;
            };
            // INVARIANT: out of record and queue before it is looked at: should it run after that,
            // it is recorded again.
            if !self.judge.look_at(task.borrow()) {
                kept &= self.suspects.push(task.borrow());
            }
        }
        self.complete &= kept;
        count
    }

    /// Verifies while all CPUs are held that nobody is inside. Allocates nothing, waits for no
    /// lock.
    ///
    /// Stops when the CPUs have been held for `budget` nanoseconds; 0 is no limit.
    pub(crate) fn verify(&mut self, stopped: &Stopped<'_>, budget: u64) -> Verdict {
        self.judge.found.clear();
        let known = self.is_complete();
        #[cfg(molt_check)]
        let known = known && !crosscheck::pretends_overflow();
        let judge = &mut self.judge;
        let mut spent = false;
        let mut look = |task: Task<'_>| {
            if spent {
                return judge.give_up(task);
            }
            judge.look_at(task);
            if judge.found.looked_at % STACKS_PER_LOOK == 0 {
                spent = budget != 0 && stopped.nanoseconds() > budget;
            }
            if spent && !judge.is_per_task() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let walked = if known {
            who_ran(stopped, self.suspects, self.recording, &mut look)
        } else {
            self.fallbacks = self.fallbacks.wrapping_add(1);
            exits::everybody(stopped, self.exits, &mut look)
        };
        let verdict = match walked {
            ControlFlow::Break(()) => Verdict::Overrun,
            ControlFlow::Continue(false) => Verdict::Unknown,
            ControlFlow::Continue(true) if !self.judge.may_flip() => Verdict::Blocked,
            ControlFlow::Continue(true) => Verdict::Clear,
        };
        #[cfg(molt_check)]
        {
            if known && verdict != Verdict::Overrun {
                self.compare(stopped, verdict);
            }
            crosscheck::expect_nobody(stopped, self.exits, |task| self.judge.is_in_both(task));
        }
        verdict
    }

    /// In a change that is made task by task, a task that does not stay behind must be clean.
    #[cfg(molt_check)]
    fn compare(&self, stopped: &Stopped<'_>, verdict: Verdict) {
        let judge = &self.judge;
        let counts = |task: Task<'_>| match &judge.behind {
            Some(behind) => {
                let reversed = behind.reversed;
                !behind.migration.contains(task)
                    && !reversed.is_some_and(|reversed| reversed.contains(task))
            }
            None => true,
        };
        let looked_at = judge.found.looked_at;
        crosscheck::compare(
            stopped,
            self.exits,
            judge.ranges,
            looked_at,
            verdict,
            counts,
        );
    }
}

#[cfg(molt_check)]
impl Drop for Scan<'_> {
    fn drop(&mut self) {
        crosscheck::report();
    }
}

/// Visits the suspects and the tasks that ran; true, because none is missing then.
fn who_ran(
    stopped: &Stopped<'_>,
    suspects: &TaskQueue,
    recording: &Recording,
    mut visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
) -> ControlFlow<(), bool> {
    suspects.for_each_stopped(stopped, &mut visit)?;
    recording.for_each_stopped(stopped, |task| {
        if suspects.holds_stopped(stopped, task) {
            ControlFlow::Continue(())
        } else {
            visit(task)
        }
    })?;
    ControlFlow::Continue(true)
}
