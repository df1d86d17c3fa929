// SPDX-License-Identifier: GPL-2.0

//! A change, in five phases: resolve, arm, scan, stop, publish.
//!
//! Enabling, disabling and replacing are the same change with other ranges and other targets
//! ([`crate::change::plan`]), and so is turning a transition round. Only the worker runs one, one
//! at a time. Whatever fails, everything is undone in reverse; until the flip nothing else has
//! happened, and after it nothing can fail. Phases 3 and 4 are in [`crate::change::attempt`]. The
//! argument why this is right is in `docs/design.md`.

use crate::patch::change::Change;
use crate::api::consistency::Consistency;
use crate::change::attempt::Trial;
use crate::change::finish;
use crate::change::plan;
use crate::change::plan::Plan;
use crate::change::requester::Requester;
use crate::edge::mechanism::recorder::Recording;
use crate::error::Cause;
use crate::error::Refusal;
use crate::error::Setback;
use crate::patch::lifecycle;
use crate::patch::lower::Below;
use crate::patch::Patch;
use crate::registry::checked::Turns;
use crate::registry::shared::Shared;
use crate::registry::transition::Transition;
use crate::registry::Registry;
use kernel::prelude::*;
use kernel::sync::Arc;

/// How far a change has come.
pub(crate) enum Made {
    /// Everybody is in the new code.
    Wholly,
    /// Some tasks stay behind; the transition is to be looked after.
    InPart(Arc<Transition>),
}

/// A change under way.
pub(crate) struct Transaction<'a> {
    shared: &'a Arc<Shared>,
    patch: &'a Arc<Patch>,
    below: Below,
    /// Tasks were in the way up to the deadline, and the model is one that goes on without them.
    task_by_task: bool,
    pub(crate) trial: Trial<'a>,
}

impl<'a> Transaction<'a> {
    /// A change of `patch` that begins now. What it leaves in `recording` is to be ended.
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        patch: &'a Arc<Patch>,
        requester: &'a Requester,
        recording: &'a mut Option<Recording>,
    ) -> Self {
        Self {
            shared,
            patch,
            below: Below::none(),
            task_by_task: false,
            trial: Trial::new(shared, requester, patch.deadline_ms, recording),
        }
    }

    /// Makes the change, or undoes what was done for it. Functions that have no replacement any
    /// more are still armed after a change; [`Registry::tidy`].
    ///
    /// While nothing can be done but wait, the registry is let go for modules that come or go;
    /// after that everything is looked up again.
    pub(crate) fn run(&mut self, change: Change) -> Result<Made, Refusal> {
        loop {
            let mut registry = self.shared.registry.lock();
            if self.patch.is_superseded() {
                // By a transition that has ended meanwhile.
                self.undo(&registry, change);
                return match change {
                    Change::Enable => Err(Refusal::superseded()),
                    Change::Disable => Ok(Made::Wholly),
                };
            }
            let reversed = registry.transition_of(self.patch).cloned();
            let round = self.round(&mut registry, reversed.as_ref(), change);
            let setback = match round {
                Ok(made) => {
                    if let Made::Wholly = made {
                        finish::conclude(self.patch, change, self.below.patches());
                    }
                    return Ok(made);
                }
                Err(setback) => setback,
            };
            registry.prune();
            let refusal = match setback {
                Setback::Passing(refusal) | Setback::Lasting(refusal)
                    if self.trial.is_over() && !self.goes_on() =>
                {
                    refusal
                }
                Setback::Passing(_) | Setback::Lasting(_) => {
                    // One that is off meanwhile can be unloaded.
                    self.below = Below::none();
                    drop(registry);
                    let waited = match setback {
                        Setback::Lasting(_) => self.trial.wait(),
                        _ => self.trial.wait_shortly(),
                    };
                    match waited {
                        Ok(()) => continue,
                        Err(cancelled) => {
                            registry = self.shared.registry.lock();
                            cancelled
                        }
                    }
                }
                Setback::Final(refusal) => refusal,
            };
            if reversed.is_none() {
                self.undo(&registry, change);
            }
            drop(registry);
            return Err(refusal);
        }
    }

    /// The change is not made.
    fn undo(&self, registry: &Registry, change: Change) {
        let below = Below::shown_to(self.patch, registry);
        finish::undo(self.patch, change, below.patches());
    }

    /// Whether tasks were in the way up to the deadline, and the model is one that goes on without
    /// them: who is always inside has to stay behind. Then it does from now on.
    fn goes_on(&mut self) -> bool {
        let is_auto = self.patch.status.lock().consistency == Consistency::Auto;
        let is_wanted = !self.trial.is_cancelled();
        let goes_on = is_auto && is_wanted && !self.task_by_task && self.trial.is_blocked();
        if goes_on {
            self.trial.restart();
            self.task_by_task = true;
        }
        goes_on
    }

    /// One try.
    fn round(
        &mut self,
        registry: &mut Registry,
        reversed: Option<&Arc<Transition>>,
        change: Change,
    ) -> Result<Made, Setback> {
        // Transitions that have ended since the last one may have moved patches.
        self.below = Below::of(self.patch, registry)?;
        match (reversed, change) {
            (Some(reversed), _) => self.reverse(registry, reversed),
            (None, Change::Enable) => self.enable(registry),
            (None, Change::Disable) => self.disable(registry),
        }
    }

    fn enable(&mut self, registry: &mut Registry) -> Result<Made, Setback> {
        let patch = self.patch;
        self.below.check_states(patch)?;
        let pin = patch.pin().map_err(|_| {
            Refusal::new(Cause::Cancelled, fmt!("the patch module is being unloaded"))
        })?;
        registry.reserve()?;
        let mut plan = Plan::new();
        for (index, object) in patch.objects().iter().enumerate() {
            if let Some(module) = plan::presence(object)? {
                lifecycle::prepare(patch, index, object, self.below.patches())?;
                plan.add(registry, index, object, module)?;
            }
        }
        plan.check_free(registry, patch, Change::Enable)?;
        plan.arm(registry)?;
        plan.enter(patch)?;
        if patch.replaces() {
            plan.supersede(registry, patch)?;
        }
        let begun = self.change(registry, &mut plan, Change::Enable)?;
        plan.publish(registry, patch);
        registry.add(patch.clone());
        let mut status = patch.status.lock();
        if !patch.forces() {
            status.pin = Some(pin);
        } else if !status.forced {
            status.forced = true;
            pin.keep();
        }
        drop(status);
        Ok(self.finish(registry, begun, Change::Enable))
    }

    fn disable(&mut self, registry: &mut Registry) -> Result<Made, Setback> {
        let patch = self.patch;
        let mut plan = Plan::new();
        plan.withdraw(registry, patch)?;
        plan.check_free(registry, patch, Change::Disable)?;
        for (index, object) in patch.objects().iter().enumerate() {
            lifecycle::begin_leaving(patch, index, object, self.below.patches());
        }
        let begun = self.change(registry, &mut plan, Change::Disable)?;
        Ok(self.finish(registry, begun, Change::Disable))
    }

    /// Turns a transition of the patch that is under way round: who stayed behind is where all are
    /// to go.
    fn reverse(
        &mut self,
        registry: &mut Registry,
        reversed: &Arc<Transition>,
    ) -> Result<Made, Setback> {
        let change = reversed.change().opposite();
        let turns = Turns::back(registry, reversed)?;
        let begun = self.migrate(registry, turns, change, Some(reversed))?;
        reversed.give_way(registry);
        Ok(self.finish(registry, Some(begun), change))
    }

    /// The flip has been made: that was all, or a transition has begun.
    fn finish(
        &self,
        registry: &mut Registry,
        begun: Option<Arc<Transition>>,
        change: Change,
    ) -> Made {
        match begun {
            Some(transition) if !transition.begin(registry) => return Made::InPart(transition),
            Some(_) => {}
            None => {
                let supersedes = change.supersedes(self.patch);
                finish::settle(self.shared, registry, self.patch, change, supersedes);
            }
        }
        Made::Wholly
    }

    /// Phases 3 and 4, by the patch's model of consistency: a flip when nobody is inside the
    /// ranges, or one that leaves behind who is.
    fn change(
        &mut self,
        registry: &mut Registry,
        plan: &mut Plan,
        change: Change,
    ) -> Result<Option<Arc<Transition>>, Setback> {
        registry.rouse(plan.steps.iter().map(|step| step.site))?;
        let consistency = self.patch.status.lock().consistency;
        if consistency != Consistency::PerTask && !self.task_by_task {
            match self.trial.flip(registry, plan) {
                Ok(()) => return Ok(None),
                Err(Setback::Final(_)) if self.goes_on() => {}
                Err(setback) => return Err(setback),
            }
        }
        let turns = Turns::of(registry, plan)?;
        self.migrate(registry, turns, change, None).map(Some)
    }

    fn migrate(
        &mut self,
        registry: &mut Registry,
        turns: Turns,
        change: Change,
        reversed: Option<&Arc<Transition>>,
    ) -> Result<Arc<Transition>, Setback> {
        let (shared, patch) = (self.shared, self.patch);
        let (supersedes, migration) = match reversed {
            Some(reversed) => (reversed.supersedes(), Some(reversed.migration())),
            None => (change.supersedes(patch), None),
        };
        self.trial.migrate(registry, &turns, migration, |hold| {
            let (shared, patch) = (shared.clone(), patch.clone());
            Transition::new(shared, patch, change, supersedes, hold, &turns)
        })
    }
}
