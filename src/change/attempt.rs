// SPDX-License-Identifier: GPL-2.0

//! Phases 3 and 4 of a change: tries, until the deadline, to flip at a moment when that may be
//! done.

use crate::{
    change::{
        plan::Plan,
        requester::Requester, //
    },
    edge::{
        kernel::stop::{
            self,
            Stopped, //
        },
        mechanism::{
            handler::{
                FlipWindow,
                Staged, //
            },
            recorder::Recording,
            redirect::Redirect, //
        }, //
    },
    error::{
        Cause,
        Refusal,
        Retry, //
    },
    patch::status::Figures,
    pure::{
        backoff::Backoff,
        ranges::Ranges, //
    },
    registry::{
        checked,
        shared::Shared,
        Registry, //
    },
    stacks::{
        blockers::Found,
        judge::{
            Judge,
            Verdict, //
        },
        scan::Scan, //
    }, //
};
use kernel::{
    prelude::*,
    time::{
        Delta,
        Instant,
        Monotonic, //
    }, //
};

/// Milliseconds between two tries: first and longest.
const FIRST_PAUSE_MS: u32 = 1;
const LONGEST_PAUSE_MS: u32 = 100;

/// The tries of one change.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a Shared,
    requester: &'a Requester,
    begun: Instant<Monotonic>,
    deadline_ms: u32,
    backoff: Backoff,
    /// Tasks were in the way of the last try.
    blocked: bool,
    /// The record of tasks that run, from before the first look at them. Its owner ends it.
    pub(crate) recording: &'a mut Option<Recording>,
    /// What has been measured so far.
    pub(crate) figures: Figures,
}

impl<'a> Attempt<'a> {
    /// One that begins now. What it leaves in `recording` is to be ended.
    pub(crate) fn new(
        shared: &'a Shared,
        requester: &'a Requester,
        deadline_ms: u32,
        recording: &'a mut Option<Recording>,
    ) -> Self {
        Self {
            shared,
            requester,
            begun: Instant::now(),
            deadline_ms,
            backoff: Backoff::new(FIRST_PAUSE_MS, LONGEST_PAUSE_MS),
            blocked: false,
            recording,
            figures: Figures::default(),
        }
    }

    /// Flips all functions of `plan` when nobody is inside its ranges.
    pub(crate) fn flip(&mut self, registry: &Registry, plan: &Plan) -> Result<(), Retry> {
        // A copy, because sorting merges them, and a change that goes on task by task keeps them
        // apart.
        let mut sorted = checked::copy(&plan.checked.forward)?;
        let recording = self.record()?;
        let redirects = || {
            plan.steps
                .iter()
                .map(|step| &registry.site(step.site).redirect)
        };
        let result = registry
            .stage(&plan.steps)
            .map_err(Retry::from)
            .and_then(|staged| {
                redirects().for_each(Redirect::watch);
                let ranges = Ranges::new(&mut sorted);
                let result = self.flip_until_deadline(&recording, ranges, &staged);
                // After a flip the new targets, otherwise the old ones.
                redirects().for_each(Redirect::settle);
                result
            });
        *self.recording = Some(recording);
        result
    }

    fn flip_until_deadline(
        &mut self,
        recording: &Recording,
        ranges: Ranges<'_>,
        staged: &[Staged<'_>],
    ) -> Result<(), Retry> {
        let judge = Judge::new(ranges, Found::new()?);
        let mut scan = Scan::new(&self.shared.exits, recording, judge);
        loop {
            scan.look();
            let mut verdict = Verdict::Blocked;
            if scan.judge.may_flip() {
                let window = FlipWindow::open();
                verdict = self.stop(&mut scan, |stopped| {
                    staged.iter().for_each(|one| one.write(stopped));
                    window.flip(stopped)
                })?;
            }
            self.figures.scanned = scan.surveyed;
            if verdict == Verdict::Clear {
                return Ok(());
            }
            let found = &scan.judge.found;
            if found.only().is_some_and(|pid| self.requester.is(pid)) {
                // It waits for us inside a function of the patch, so it has to go first. What comes
                // of the change then stands in `transition` and `last_error`.
                self.requester.answer(Ok(()));
            }
            self.back_off(verdict, found)?;
        }
    }

    /// Phase 4: holds all CPUs, verifies, and flips when that may be done: then it is clear.
    pub(crate) fn stop(
        &mut self,
        scan: &mut Scan<'_>,
        flip: impl FnOnce(&Stopped<'_>) -> bool + Send,
    ) -> Result<Verdict, Refusal> {
        let budget = self.shared.budget_ns();
        let stopped = stop::stop_machine(|stopped: &Stopped<'_>| {
            let verdict = scan.verify(stopped, budget);
            if verdict == Verdict::Clear && !flip(stopped) {
                return Verdict::Vetoed;
            }
            match verdict {
                // What was found is in the way, whether or not a task was missed.
                Verdict::Unknown if !scan.judge.may_flip() => Verdict::Blocked,
                verdict => verdict,
            }
        });
        let (verdict, held) = stopped
            .map_err(|_| Refusal::new(Cause::NoMemory, fmt!("the machine could not be stopped")))?;
        self.figures.attempts += 1;
        self.figures.stop_ns = held;
        self.figures.verified = scan.judge.found.looked_at;
        self.figures.overflows = scan.fallbacks;
        Ok(verdict)
    }

    /// Begins to record which tasks run, unless that is done already.
    pub(crate) fn record(&mut self) -> Result<Recording, Retry> {
        match self.recording.take() {
            Some(recording) => Ok(recording),
            None => Ok(self.shared.record().map_err(not_recorded)?),
        }
    }

    /// Whether tasks were in the way up to the deadline.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked && self.is_over()
    }

    /// Whether nobody wants the change any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.requester.is_killed()
    }

    /// Gives it its whole time again, because it goes on in another way.
    pub(crate) fn restart(&mut self) {
        self.begun = Instant::now();
        self.backoff.restart();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= Delta::from_millis(self.deadline_ms.into())
    }

    /// After a try that came to nothing.
    pub(crate) fn back_off(&mut self, verdict: Verdict, found: &Found) -> Result<(), Retry> {
        self.blocked = verdict == Verdict::Blocked;
        if self.is_over() {
            return Err(Retry::Never(in_the_way(verdict, found)));
        }
        self.wait()?;
        if self.shared.somebody_waits() {
            return Err(Retry::Soon(in_the_way(verdict, found)));
        }
        Ok(())
    }

    /// Sleeps between two tries, or learns that nobody wants the change any more.
    pub(crate) fn wait(&mut self) -> Result<(), Refusal> {
        if !self.requester.pause(self.backoff.next_pause()) {
            return Err(Refusal::new(
                Cause::Cancelled,
                fmt!("the process that asked for it was killed"),
            ));
        }
        Ok(())
    }

    /// Sleeps for as short as possible: a module that is loaded and unloaded all the time is
    /// whole, or gone, for moments only, and a long pause would miss them again and again.
    pub(crate) fn wait_shortly(&mut self) -> Result<(), Refusal> {
        self.backoff.restart();
        self.wait()
    }
}

/// Why the last try came to nothing.
fn in_the_way(verdict: Verdict, found: &Found) -> Refusal {
    match verdict {
        Verdict::Vetoed => Refusal::new(Cause::Nmi, fmt!("NMI handlers kept using a function")),
        Verdict::Overrun => Refusal::new(
            Cause::Budget,
            fmt!(
                "the CPUs may not be held for as long as it takes to verify {} tasks",
                found.looked_at
            ),
        ),
        // What was found is not in the way: in a change that is made task by task nothing is.
        Verdict::Unknown => Refusal::new(
            Cause::Busy,
            fmt!("more tasks were exiting at once than can be followed"),
        ),
        Verdict::Clear | Verdict::Blocked => blocked(found),
    }
}

/// What the last look at the tasks says.
fn blocked(found: &Found) -> Refusal {
    if found.inside == 0 {
        Refusal::blocked(
            Cause::Unreliable,
            fmt!("{} stacks cannot be walked to their end", found.unreliable),
            found.told(),
        )
    } else {
        Refusal::blocked(
            Cause::Busy,
            fmt!("{} tasks are inside", found.inside),
            found.told(),
        )
    }
}

/// Why a tracepoint could not be connected.
pub(crate) fn not_recorded(error: Error) -> Refusal {
    match error {
        error if error == ENOMEM => Refusal::no_memory(),
        error => Refusal::new(
            Cause::NotTraceable,
            fmt!("sched_switch cannot be traced: {:?}", error),
        ),
    }
}
