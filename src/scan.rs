// SPDX-License-Identifier: GPL-2.0

//! Looking at every stack: once while the machine runs, and then only at who has run since.
//!
//! A stack changes only while its task runs. So whoever was seen outside of the ranges, switched out, is
//! still outside if it has not run since; and who runs is recorded ([`crate::edge::recorder`]). While all
//! CPUs are held, only those who ran are left to be verified. `docs/design.md`, "Who ran", has the
//! argument case by case.

#[cfg(molt_check)]
use crate::check;
use crate::{
    blockers::Found,
    edge::{
        hotplug,
        recorder::Recording,
        stack,
        stop::{stop_machine, Stopped},
        task_queue::TaskQueue,
        tasks::{self, Task},
    },
    exits::Exits,
    patch::Patch,
    ranges::Ranges,
    shared::Shared,
};
use core::ops::ControlFlow;
use kernel::{
    current,
    prelude::*,
    time::{delay::fsleep, Delta},
};

/// Between two looks at the clock in a stop window: so many stacks, some tens of microseconds.
const STACKS_PER_LOOK: usize = 16;

/// What is known of where tasks are.
///
/// # Invariants
///
/// While `complete` holds, and unless the recording has overflowed or a CPU has gone since, every task
/// but the caller's either was seen outside of the ranges while it was switched out and has not run
/// since, or has never run, or is among the suspects, or has been recorded.
pub(crate) struct Scan<'a> {
    exits: &'a Exits,
    ranges: Ranges<'a>,
    recording: &'a Recording,
    /// Who ran, or was in the way, when it was looked at.
    suspects: &'a TaskQueue,
    complete: bool,
    /// CPUs that had gone when the survey began.
    gone: usize,
    /// What the last look found.
    pub(crate) found: Found,
    /// Tasks looked at by the last survey.
    pub(crate) surveyed: usize,
    /// Stop windows in which everybody had to be verified.
    pub(crate) fallbacks: u32,
}

/// The verdict while all CPUs are held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody is inside, and nobody can have been missed.
    Clear,
    /// Somebody is.
    Blocked,
    /// Nobody was found, but somebody may have been missed.
    Unknown,
    /// Finding out takes longer than the CPUs may be held.
    Overrun,
}

impl<'a> Scan<'a> {
    /// Nothing is known yet. `found` is where to write what is in the way.
    pub(crate) fn new(
        exits: &'a Exits,
        recording: &'a Recording,
        ranges: Ranges<'a>,
        found: Found,
    ) -> Self {
        // INVARIANT: not complete.
        Self {
            exits,
            ranges,
            recording,
            suspects: recording.suspects(),
            complete: false,
            gone: 0,
            found,
            surveyed: 0,
            fallbacks: 0,
        }
    }

    /// Looks who is in the way while the machine runs: at everybody, if need be, and then, in rounds, at
    /// those who ran meanwhile, as long as each round has half as many as the last. Process context.
    pub(crate) fn look(&mut self) {
        let mut looked = if self.is_complete() {
            self.narrow()
        } else {
            self.survey()
        };
        while self.found.is_clean() {
            let fewer = self.narrow();
            if fewer > looked / 2 {
                break;
            }
            looked = fewer;
        }
    }

    /// Whether the suspects and those who were recorded are all that is left to look at.
    fn is_complete(&self) -> bool {
        self.complete && !self.recording.has_overflowed() && self.gone == hotplug::gone()
    }

    /// Looks at every task. Returns how many there were.
    fn survey(&mut self) -> usize {
        self.exits.complete();
        self.found.clear();
        self.suspects.clear();
        // INVARIANT: everything is looked at after it has begun to be recorded anew. The list of tasks
        // comes first: who leaves it while it is walked is among those that exit then.
        self.gone = hotplug::gone();
        self.recording.restart();
        let mut kept = true;
        let mut look = |task: Task<'_>| {
            if !look_at(task, self.ranges, &mut self.found) {
                kept &= self.suspects.push(task);
            }
        };
        tasks::for_each(&mut look);
        let known = self.exits.for_each(&mut look);
        self.complete = kept && known;
        self.surveyed = self.found.looked_at;
        self.surveyed
    }

    /// Looks at the suspects, and at those who ran. Returns how many that were.
    fn narrow(&mut self) -> usize {
        self.found.clear();
        let mut kept = true;
        self.recording
            .take(|task| kept &= self.suspects.push(task.borrow()));
        let count = self.suspects.len();
        for _ in 0..count {
            let Some(task) = self.suspects.pop() else {
                break;
            };
            // INVARIANT: out of record and queue before it is looked at: should it run after that, it is
            // recorded again.
            if !look_at(task.borrow(), self.ranges, &mut self.found) {
                kept &= self.suspects.push(task.borrow());
            }
        }
        self.complete &= kept;
        count
    }

    /// Verifies while all CPUs are held that nobody is inside. Allocates nothing, waits for no lock.
    ///
    /// Stops when the CPUs have been held for `budget` nanoseconds; 0 is no limit.
    pub(crate) fn verify(&mut self, stopped: &Stopped<'_>, budget: u64) -> Verdict {
        self.found.clear();
        let known = self.is_complete();
        #[cfg(molt_check)]
        let known = known && !check::pretends_overflow();
        let (ranges, found) = (self.ranges, &mut self.found);
        let mut look = |task: Task<'_>| {
            look_at(task, ranges, found);
            match found.looked_at % STACKS_PER_LOOK {
                0 if budget != 0 && stopped.nanoseconds() > budget => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let walked = if known {
            who_ran(stopped, self.suspects, self.recording, &mut look)
        } else {
            self.fallbacks = self.fallbacks.wrapping_add(1);
            everybody(stopped, self.exits, &mut look)
        };
        let verdict = match walked {
            ControlFlow::Break(()) => Verdict::Overrun,
            ControlFlow::Continue(_) if !self.found.is_clean() => Verdict::Blocked,
            ControlFlow::Continue(false) => Verdict::Unknown,
            ControlFlow::Continue(true) => Verdict::Clear,
        };
        #[cfg(molt_check)]
        if known && verdict != Verdict::Overrun {
            let looked_at = self.found.looked_at;
            check::compare(stopped, self.exits, self.ranges, looked_at, verdict);
        }
        verdict
    }
}

#[cfg(molt_check)]
impl Drop for Scan<'_> {
    fn drop(&mut self) {
        check::report();
    }
}

/// Visits the suspects and those who ran; true, because nobody is missing then.
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

/// Visits every task; false when somebody may be missing.
fn everybody(
    stopped: &Stopped<'_>,
    exits: &Exits,
    mut visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
) -> ControlFlow<(), bool> {
    tasks::for_each_stopped(stopped, &mut visit)?;
    exits.for_each_stopped(stopped, visit)
}

/// Looks at one task and takes note of it. True when it was outside and did not run.
///
/// While all CPUs are held, the tasks on a CPU are the stopper threads, whose frames [`crate::refused`]
/// keeps from being patched.
fn look_at(task: Task<'_>, ranges: Ranges<'_>, found: &mut Found) -> bool {
    if task.on_cpu() {
        return false;
    }
    let verdict = stack::walk(task, ranges);
    found.note(task, verdict);
    verdict == stack::Verdict::Clean
}

/// Waits until no task but the caller is in the code of a disabled `patch`, whose module is about to
/// go. Process context; the caller is in the module's exit.
///
/// The change that disabled it has verified that already, and nothing calls a replacement since;
/// this catches what the patch itself may have left behind, such as a work item. A grace period of
/// RCU-tasks would not do: it ends at a sleep, which may be in that code.
pub(crate) fn wait_until_left(patch: &Patch, shared: &Shared) {
    let waited = shared.record().and_then(|recording| {
        let waited = wait_recording(patch, shared, &recording);
        shared.keep(recording.stop());
        waited
    });
    if waited.is_err() {
        pr_warn!("{}: no memory to look who is in its code\n", patch.name());
    }
}

fn wait_recording(patch: &Patch, shared: &Shared, recording: &Recording) -> Result {
    const PAUSE_MS: i64 = 100;
    const TOLD_EVERY: u32 = 100;
    const PATIENCE: u32 = 100;

    let mut text = [patch.text];
    let text = Ranges::new(&mut text);
    let found = Found::without(current!().pid())?;
    let mut scan = Scan::new(&shared.exits, recording, text, found);
    let mut round = 0u32;
    loop {
        scan.look();
        if scan.found.inside == 0 {
            // Who waits in vain for a window that is short enough gets a longer one in the end.
            let budget = if round < PATIENCE {
                shared.budget_ns()
            } else {
                0
            };
            match stop_machine(|stopped| scan.verify(stopped, budget)) {
                Ok((Verdict::Clear, _)) => return Ok(()),
                // Where a stack cannot be walked to its end, the frames up to there have been looked
                // at, and more cannot be known.
                Ok((Verdict::Blocked, _)) if scan.found.inside == 0 => return Ok(()),
                _ => {}
            }
        }
        if round % TOLD_EVERY == 0 {
            let who = scan.found.told();
            pr_notice!(
                "{}: not unloaded yet, in its code{}\n",
                patch.name(),
                who.few()
            );
        }
        round = round.wrapping_add(1);
        fsleep(Delta::from_millis(PAUSE_MS));
    }
}
