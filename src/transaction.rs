// SPDX-License-Identifier: GPL-2.0

//! A change, in five phases: resolve, arm, scan, stop, publish.
//!
//! Enabling, disabling and replacing are the same change with other ranges and other targets
//! ([`crate::plan`]). Only the worker runs one, one at a time. Whatever fails, everything is undone in
//! reverse; until the flip nothing else has happened, and after it nothing can fail. The argument why
//! this is right is in `docs/design.md`.

use crate::{
    below::Below,
    blockers::Found,
    edge::{
        handler::{Staged, Window},
        recorder::Recording,
        stop,
        stop::Stopped,
    },
    error::{Cause, Refusal, Setback},
    object::{self, Phase},
    patch::{Figures, Patch},
    plan::{self, Plan, Step},
    ranges::Ranges,
    registry::Registry,
    request::Change,
    requester::Requester,
    scan::{Scan, Verdict},
    shared::Shared,
    site::Site,
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{Delta, Instant, Monotonic},
};

/// Milliseconds between two tries: first and longest; it doubles from one to the other.
const PAUSE_MS: (u32, u32) = (1, 100);

/// How a stop window ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Flipped,
    Blocked,
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
    fn make(&self, stopped: &Stopped<'_>, window: &Window) -> bool {
        for staged in &self.0 {
            staged.write(stopped);
        }
        window.flip(stopped)
    }
}

/// A change under way.
pub(crate) struct Transaction<'a> {
    shared: &'a Shared,
    patch: &'a Arc<Patch>,
    requester: &'a Requester,
    begun: Instant<Monotonic>,
    /// Milliseconds until the next try.
    pause: u32,
    below: Below,
    /// Who runs, from before the first look at the tasks on. Whoever gave it ends it.
    recording: &'a mut Option<Recording>,
    /// What has been measured so far.
    pub(crate) figures: Figures,
}

impl<'a> Transaction<'a> {
    /// A change of `patch` that begins now. What it leaves in `recording` is to be ended.
    pub(crate) fn new(
        shared: &'a Shared,
        patch: &'a Arc<Patch>,
        requester: &'a Requester,
        recording: &'a mut Option<Recording>,
    ) -> Self {
        Self {
            shared,
            patch,
            requester,
            begun: Instant::now(),
            pause: PAUSE_MS.0,
            below: Below::none(),
            recording,
            figures: Figures::default(),
        }
    }

    /// Makes the change, or undoes what was done for it. Functions that have no replacement any more are
    /// still armed after a change; [`Registry::tidy`].
    ///
    /// While nothing can be done but wait, the registry is let go for modules that come or go; after
    /// that everything is looked up again.
    pub(crate) fn run(&mut self, change: Change) -> Result<(), Refusal> {
        self.below = Below::of(self.patch, &self.shared.registry.lock())?;
        loop {
            let mut registry = self.shared.registry.lock();
            let round = match change {
                Change::Enable => self.enable(&mut registry),
                Change::Disable => self.disable(&mut registry),
            };
            let setback = match round {
                Ok(()) => {
                    self.conclude(change);
                    return Ok(());
                }
                Err(setback) => setback,
            };
            registry.prune();
            let refusal = match setback {
                Setback::Passing(refusal) if self.is_over() => refusal,
                Setback::Passing(_) => {
                    drop(registry);
                    // A module that is loaded and unloaded all the time is whole, or gone, for
                    // moments only: a long pause would miss them again and again.
                    self.pause = PAUSE_MS.0;
                    match self.wait() {
                        Ok(()) => continue,
                        Err(cancelled) => {
                            registry = self.shared.registry.lock();
                            cancelled
                        }
                    }
                }
                Setback::Final(refusal) => refusal,
            };
            self.undo(change);
            drop(registry);
            return Err(refusal);
        }
    }

    fn enable(&mut self, registry: &mut Registry) -> Result<(), Setback> {
        let patch = self.patch;
        self.below.check_states(patch)?;
        let pin = patch.pin().map_err(|_| {
            Refusal::new(Cause::Cancelled, fmt!("the patch module is being unloaded"))
        })?;
        registry.reserve()?;
        let mut plan = Plan::new();
        for (index, object) in patch.objects().iter().enumerate() {
            if let Some(module) = plan::presence(object)? {
                object::prepare(patch, index, object, self.below.patches())?;
                plan.add(registry, index, object, module)?;
            }
        }
        plan.arm(registry)?;
        if patch.replaces() {
            plan.supersede(registry, patch)?;
        }
        self.change(registry, &mut plan)?;
        plan.publish(registry, patch);
        if patch.replaces() {
            self.supersede(registry);
        }
        registry.add(patch.clone());
        let mut status = patch.status.lock();
        if !patch.forces() {
            status.pin = Some(pin);
        } else if !status.forced {
            status.forced = true;
            pin.keep();
        }
        Ok(())
    }

    fn disable(&mut self, registry: &mut Registry) -> Result<(), Setback> {
        let patch = self.patch;
        for (index, object) in patch.objects().iter().enumerate() {
            object::begin_leaving(patch, index, object, self.below.patches());
        }
        let mut plan = Plan::new();
        plan.withdraw(registry, patch)?;
        self.change(registry, &mut plan)?;
        for site in &mut registry.sites {
            site.remove(patch);
        }
        registry.remove(patch);
        Ok(())
    }

    /// After the flip of a patch that replaces all others: they are on nothing any more, and their
    /// modules may go.
    fn supersede(&self, registry: &mut Registry) {
        let patch = self.patch;
        for site in &mut registry.sites {
            site.remove_others(patch);
        }
        while let Some(other) = registry
            .patches()
            .iter()
            .find(|other| !Arc::ptr_eq(other, patch))
        {
            let other = other.clone();
            registry.remove(&other);
            for (index, object) in other.objects().iter().enumerate() {
                object::discard(&other, index, object);
            }
        }
        for dir in self.shared.loaded.lock().iter() {
            if !core::ptr::eq(dir.patch(), &**patch) {
                dir.patch().supersede();
            }
        }
    }

    /// The change is made: calls the callbacks that come after it.
    fn conclude(&self, change: Change) {
        for (index, object) in self.patch.objects().iter().enumerate() {
            match (change, self.patch.phase(index)) {
                (Change::Enable, Phase::Prepared) => {
                    object::settle(self.patch, index, object, self.below.patches())
                }
                (Change::Disable, Phase::Leaving) => {
                    object::release(self.patch, index, object, self.below.patches())
                }
                _ => {}
            }
        }
    }

    /// The change is not made: undoes what was done before it, in reverse.
    fn undo(&self, change: Change) {
        for (index, object) in self.patch.objects().iter().enumerate().rev() {
            match (change, self.patch.phase(index)) {
                (Change::Enable, Phase::Prepared) => {
                    object::release(self.patch, index, object, self.below.patches())
                }
                (Change::Disable, Phase::Leaving) => {
                    object::settle(self.patch, index, object, self.below.patches())
                }
                _ => {}
            }
        }
    }

    /// Phases 3 and 4: tries until nobody is inside the ranges, then flips.
    fn change(&mut self, registry: &mut Registry, plan: &mut Plan) -> Result<(), Setback> {
        registry.rouse(plan.steps.iter().map(|step| step.site))?;
        let recording = match self.recording.take() {
            Some(recording) => recording,
            None => self.shared.record().map_err(not_recorded)?,
        };
        let Plan { steps, ranges, .. } = plan;
        let sites = &registry.sites;
        let result = Flip::prepare(steps, sites)
            .map_err(Setback::from)
            .and_then(|flip| {
                for step in steps.iter() {
                    sites[step.site].redirect.watch();
                }
                let result = self.try_until_deadline(&recording, Ranges::new(ranges), &flip);
                // After a flip the new targets, otherwise the old ones.
                for step in steps.iter() {
                    sites[step.site].redirect.settle();
                }
                result
            });
        *self.recording = Some(recording);
        result
    }

    fn try_until_deadline(
        &mut self,
        recording: &Recording,
        ranges: Ranges<'_>,
        flip: &Flip<'_>,
    ) -> Result<(), Setback> {
        let found = Found::new()?;
        let mut scan = Scan::new(&self.shared.exits, recording, ranges, found);
        loop {
            scan.look();
            self.figures.scanned = scan.surveyed;
            let end = match scan.found.is_clean() {
                true => self.stop(&mut scan, flip)?,
                false => End::Blocked,
            };
            if end == End::Flipped {
                return Ok(());
            }
            if scan.found.only().is_some_and(|pid| self.requester.is(pid)) {
                // It waits for us inside a function of the patch, so it has to go first. What comes
                // of the change then stands in `transition` and `last_error`.
                self.requester.answer(Ok(()));
            }
            if self.is_over() {
                return Err(Setback::Final(in_the_way(end, &scan.found)));
            }
            self.wait()?;
            if self.shared.somebody_waits() {
                return Err(Setback::Passing(in_the_way(end, &scan.found)));
            }
        }
    }

    /// Phase 4: holds all CPUs, verifies, and flips when nobody is inside.
    fn stop(&mut self, scan: &mut Scan<'_>, flip: &Flip<'_>) -> Result<End, Refusal> {
        let budget = self.shared.budget_ns();
        let window = Window::open();
        let stopped =
            stop::stop_machine(|stopped: &Stopped<'_>| match scan.verify(stopped, budget) {
                Verdict::Blocked | Verdict::Unknown => End::Blocked,
                Verdict::Overrun => End::Overrun,
                Verdict::Clear if flip.make(stopped, &window) => End::Flipped,
                Verdict::Clear => End::Vetoed,
            });
        drop(window);
        let (end, held) = stopped
            .map_err(|_| Refusal::new(Cause::NoMemory, fmt!("the machine could not be stopped")))?;
        self.figures.attempts += 1;
        self.figures.stop_ns = held;
        self.figures.verified = scan.found.looked_at;
        self.figures.overflows = scan.fallbacks;
        Ok(end)
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= Delta::from_millis(self.patch.deadline_ms.into())
    }

    /// Sleeps between two tries, or learns that nobody wants the change any more.
    fn wait(&mut self) -> Result<(), Refusal> {
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
        End::Flipped | End::Blocked => blocked(found),
    }
}

/// What the last look at the tasks says.
fn blocked(found: &Found) -> Refusal {
    if found.is_clean() {
        Refusal::new(
            Cause::Busy,
            fmt!("more tasks were exiting at once than can be followed"),
        )
    } else if found.inside == 0 {
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

fn not_recorded(error: Error) -> Refusal {
    match error {
        error if error == ENOMEM => Refusal::no_memory(),
        error => Refusal::new(
            Cause::NotTraceable,
            fmt!("sched_switch cannot be traced: {:?}", error),
        ),
    }
}
