// SPDX-License-Identifier: GPL-2.0

//! Phases 3 and 4 of a change: tries, until the deadline, to flip at a moment when that may be
//! done.

use crate::change::plan::Plan;
use crate::change::plan::Step;
use crate::change::requester::Requester;
use crate::edge::kernel::stop;
use crate::edge::kernel::stop::Stopped;
use crate::edge::mechanism::handler;
use crate::edge::mechanism::handler::Staged;
use crate::edge::mechanism::recorder::Recording;
use crate::error::Cause;
use crate::error::Refusal;
use crate::error::Setback;
use crate::patch::status::Figures;
use crate::pure::ranges::Ranges;
use crate::registry::checked;
use crate::registry::shared::Shared;
use crate::registry::site::Site;
use crate::registry::Registry;
use crate::stacks::blockers::Found;
use crate::stacks::judge::Judge;
use crate::stacks::scan::Scan;
use crate::stacks::judge::Verdict;
use kernel::prelude::*;
use kernel::time::Delta;
use kernel::time::Instant;
use kernel::time::Monotonic;

/// Milliseconds between two tries: first and longest; it doubles from one to the other.
const PAUSE_MS: (u32, u32) = (1, 100);

/// How a stop window ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Flipped,
    Blocked,
    /// Nobody is in the way, but somebody may have been missed.
    Unknown,
    Overrun,
    Vetoed,
}

/// What is switched at one instant: ready to be written, because the window must be short.
struct Flip<'a>(KVec<Staged<'a>>);

impl<'a> Flip<'a> {
    fn prepare(steps: &[Step], sites: &'a [Site]) -> Result<Self, Refusal> {
        let mut staged = KVec::with_capacity(steps.len(), GFP_KERNEL)?;
        for step in steps {
            staged.push(sites[step.site].redirect.prepare(step.target), GFP_KERNEL)?;
        }
        Ok(Self(staged))
    }

    /// Nobody is inside: sends all functions where they go. False after a veto.
    fn make(&self, stopped: &Stopped<'_>, window: &handler::Window) -> bool {
        for staged in &self.0 {
            staged.write(stopped);
        }
        window.flip(stopped)
    }
}

/// See the module's documentation.
pub(crate) struct Trial<'a> {
    pub(crate) shared: &'a Shared,
    requester: &'a Requester,
    begun: Instant<Monotonic>,
    deadline_ms: u32,
    /// Milliseconds until the next try.
    pause: u32,
    /// Tasks were in the way of the last try.
    blocked: bool,
    /// Who runs, from before the first look at the tasks on. Whoever gave it ends it.
    pub(crate) recording: &'a mut Option<Recording>,
    /// What has been measured so far.
    pub(crate) figures: Figures,
}

impl<'a> Trial<'a> {
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
            pause: PAUSE_MS.0,
            blocked: false,
            recording,
            figures: Figures::default(),
        }
    }

    /// Flips all functions of `plan` when nobody is inside its ranges.
    pub(crate) fn flip(&mut self, registry: &Registry, plan: &Plan) -> Result<(), Setback> {
        let Plan { steps, ranges, .. } = plan;
        // A copy, because sorting merges them, and a change that goes on task by task keeps them
        // apart.
        let mut sorted = checked::copy(ranges)?;
        let recording = self.record()?;
        let sites = &registry.sites;
        let result = Flip::prepare(steps, sites)
            .map_err(Setback::from)
            .and_then(|flip| {
                for step in steps.iter() {
                    sites[step.site].redirect.watch();
                }
                let result = self.flip_until_deadline(&recording, Ranges::new(&mut sorted), &flip);
                // After a flip the new targets, otherwise the old ones.
                for step in steps.iter() {
                    sites[step.site].redirect.settle();
                }
                result
            });
        *self.recording = Some(recording);
        result
    }

    fn flip_until_deadline(
        &mut self,
        recording: &Recording,
        ranges: Ranges<'_>,
        flip: &Flip<'_>,
    ) -> Result<(), Setback> {
        let judge = Judge::new(ranges, Found::new()?);
        let mut scan = Scan::new(&self.shared.exits, recording, judge);
        loop {
            scan.look();
            let mut end = End::Blocked;
            if scan.judge.is_content() {
                let window = handler::Window::open();
                end = self.stop(&mut scan, |stopped| flip.make(stopped, &window))?;
            }
            self.figures.scanned = scan.surveyed;
            if end == End::Flipped {
                return Ok(());
            }
            let found = &scan.judge.found;
            if found.only().is_some_and(|pid| self.requester.is(pid)) {
                // It waits for us inside a function of the patch, so it has to go first. What comes
                // of the change then stands in `transition` and `last_error`.
                self.requester.answer(Ok(()));
            }
            self.pause_after(end, found)?;
        }
    }

    /// Phase 4: holds all CPUs, verifies, and flips when that may be done.
    pub(crate) fn stop(
        &mut self,
        scan: &mut Scan<'_>,
        flip: impl FnOnce(&Stopped<'_>) -> bool + Send,
    ) -> Result<End, Refusal> {
        let budget = self.shared.budget_ns();
        let stopped =
            stop::stop_machine(|stopped: &Stopped<'_>| match scan.verify(stopped, budget) {
                Verdict::Unknown if scan.judge.is_content() => End::Unknown,
                Verdict::Blocked | Verdict::Unknown => End::Blocked,
                Verdict::Overrun => End::Overrun,
                Verdict::Clear if flip(stopped) => End::Flipped,
                Verdict::Clear => End::Vetoed,
            });
        let (end, held) = stopped
            .map_err(|_| Refusal::new(Cause::NoMemory, fmt!("the machine could not be stopped")))?;
        self.figures.attempts += 1;
        self.figures.stop_ns = held;
        self.figures.verified = scan.judge.found.looked_at;
        self.figures.overflows = scan.fallbacks;
        Ok(end)
    }

    /// Begins to record who runs, unless that is done already.
    pub(crate) fn record(&mut self) -> Result<Recording, Setback> {
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
        self.pause = PAUSE_MS.0;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= Delta::from_millis(self.deadline_ms.into())
    }

    /// After a try that came to nothing.
    pub(crate) fn pause_after(&mut self, end: End, found: &Found) -> Result<(), Setback> {
        self.blocked = end == End::Blocked;
        if self.is_over() {
            return Err(Setback::Final(in_the_way(end, found)));
        }
        self.wait()?;
        if self.shared.somebody_waits() {
            return Err(Setback::Passing(in_the_way(end, found)));
        }
        Ok(())
    }

    /// Sleeps between two tries, or learns that nobody wants the change any more.
    pub(crate) fn wait(&mut self) -> Result<(), Refusal> {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MS.1);
        if !self.requester.pause(pause) {
            return Err(Refusal::new(
                Cause::Cancelled,
                fmt!("the process that asked for it was killed"),
            ));
        }
        Ok(())
    }

    /// The same for as short as possible: a module that is loaded and unloaded all the time is
    /// whole, or gone, for moments only, and a long pause would miss them again and again.
    pub(crate) fn wait_shortly(&mut self) -> Result<(), Refusal> {
        self.pause = PAUSE_MS.0;
        self.wait()
    }
}

/// Why the last try came to nothing.
fn in_the_way(end: End, found: &Found) -> Refusal {
    match end {
        End::Vetoed => Refusal::new(Cause::Nmi, fmt!("NMI handlers kept using a function")),
        End::Overrun => Refusal::new(
            Cause::Budget,
            fmt!(
                "the CPUs may not be held for as long as it takes to verify {} tasks",
                found.looked_at
            ),
        ),
        // Whoever was found is not in the way: in a change that is made task by task nobody is.
        End::Unknown => Refusal::new(
            Cause::Busy,
            fmt!("more tasks were exiting at once than can be followed"),
        ),
        End::Flipped | End::Blocked => blocked(found),
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
