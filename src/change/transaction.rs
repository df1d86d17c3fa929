// SPDX-License-Identifier: GPL-2.0

//! A change, in five phases: resolve, arm, scan, stop, publish.
//!
//! Enabling, disabling and replacing are the same change with other ranges and other targets
//! ([`crate::change::plan`]), and so is turning a transition round. Only the worker runs one, one
//! at a time. Whatever fails, everything is undone in reverse; until the flip nothing else has
//! happened, and after it nothing can fail. Phases 3 and 4 are in [`crate::change::attempt`]. The
//! argument why this is right is in `docs/design/`.

use crate::{
    api::consistency::Consistency,
    change::{
        attempt::Attempt,
        finish,
        per_task::{
            follow::Follower,
            start, //
        },
        plan::{
            self,
            Plan, //
        },
        requester::Requester, //
    },
    edge::mechanism::recorder::Recording,
    error::{
        Cause,
        Refusal,
        Retry, //
    },
    patch::{
        change::Change,
        lifecycle,
        lower::LowerPatches,
        Patch, //
    },
    registry::{
        shared::Shared,
        transition::Transition,
        Registry, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// What has come of a change.
pub(crate) enum Outcome {
    /// There was nothing to change.
    Nothing,
    /// Every task is in the new code.
    Done,
    /// Some tasks stay behind; their transition is to be followed.
    Begun(Arc<Follower>),
}

/// A change under way.
pub(crate) struct Transaction<'a> {
    shared: &'a Arc<Shared>,
    patch: &'a Arc<Patch>,
    below: LowerPatches,
    /// Tasks were in the way up to the deadline, and the model is one that goes on without them.
    task_by_task: bool,
    pub(crate) attempt: Attempt<'a>,
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
            below: LowerPatches::none(),
            task_by_task: false,
            attempt: Attempt::new(shared, requester, patch.deadline_ms, recording),
        }
    }

    /// Makes the change, or undoes what was done for it. Functions that have no replacement any
    /// more are still armed after a change; [`Registry::after_change`].
    ///
    /// While nothing can be done but wait, the registry is let go for modules that come or go;
    /// after that everything is looked up again.
    pub(crate) fn run(&mut self, change: Change) -> Result<Outcome, Refusal> {
        loop {
            let mut registry = self.shared.registry.lock();
            if self.patch.is_superseded() {
                // By a transition that has ended meanwhile.
                self.rollback(&registry, change);
                return match change {
                    Change::Enable => Err(Refusal::superseded()),
                    Change::Disable => Ok(Outcome::Done),
                };
            }
            let reversed = registry.transition_of(self.patch).cloned();
            let round = self.round(&mut registry, reversed.as_ref(), change);
            let retry = match round {
                Ok(outcome) => {
                    if let Outcome::Done = outcome {
                        finish::post_callbacks(self.patch, change, self.below.patches());
                    }
                    return Ok(outcome);
                }
                Err(retry) => retry,
            };
            registry.prune();
            let may_retry = !matches!(retry, Retry::Never(_))
                && (!self.attempt.is_over() || self.goes_on_per_task());
            let refusal = if may_retry {
                // A patch that is off meanwhile can be unloaded.
                self.below = LowerPatches::none();
                drop(registry);
                let waited = match retry {
                    Retry::Later(_) => self.attempt.wait(),
                    _ => self.attempt.wait_shortly(),
                };
                match waited {
                    Ok(()) => continue,
                    Err(cancelled) => {
                        registry = self.shared.registry.lock();
                        cancelled
                    }
                }
            } else {
                retry.refusal()
            };
            if reversed.is_none() {
                self.rollback(&registry, change);
            }
            drop(registry);
            return Err(refusal);
        }
    }

    /// The change is not made.
    fn rollback(&self, registry: &Registry, change: Change) {
        let below = LowerPatches::shown(registry.below(self.patch));
        finish::rollback(self.patch, change, below.patches());
    }

    /// Tasks were in the way up to the deadline, and the model is one that goes on without them:
    /// tasks that are always inside have to stay behind, from now on. Whether it is so.
    fn goes_on_per_task(&mut self) -> bool {
        let is_auto = self.patch.status.lock().consistency == Consistency::Auto;
        let is_wanted = !self.attempt.is_cancelled();
        let goes_on = is_auto && is_wanted && !self.task_by_task && self.attempt.is_blocked();
        if goes_on {
            self.attempt.restart();
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
    ) -> Result<Outcome, Retry> {
        // Transitions that have ended since the last one may have moved patches.
        self.below = LowerPatches::of(registry.below(self.patch))?;
        match (reversed, change) {
            (Some(reversed), _) => self.reverse(registry, reversed),
            (None, Change::Enable) => self.enable(registry),
            (None, Change::Disable) => self.disable(registry),
        }
    }

    fn enable(&mut self, registry: &mut Registry) -> Result<Outcome, Retry> {
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
        let begun = self.change(registry, &plan, Change::Enable)?;
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

    fn disable(&mut self, registry: &mut Registry) -> Result<Outcome, Retry> {
        let patch = self.patch;
        let mut plan = Plan::new();
        plan.withdraw(registry, patch)?;
        plan.check_free(registry, patch, Change::Disable)?;
        for (index, object) in patch.objects().iter().enumerate() {
            lifecycle::begin_leaving(patch, index, object, self.below.patches());
        }
        let begun = self.change(registry, &plan, Change::Disable)?;
        Ok(self.finish(registry, begun, Change::Disable))
    }

    /// Turns a transition of the patch that is under way round: its stragglers are where all are to
    /// go.
    fn reverse(
        &mut self,
        registry: &mut Registry,
        reversed: &Arc<Transition>,
    ) -> Result<Outcome, Retry> {
        let change = reversed.change().opposite();
        let plan = Plan::back(registry, reversed)?;
        let begun = self.migrate(registry, &plan, change, Some(reversed))?;
        registry.give_way(reversed);
        Ok(self.finish(registry, Some(begun), change))
    }

    /// The flip has been made: that was all, or a transition has begun.
    fn finish(
        &self,
        registry: &mut Registry,
        begun: Option<Arc<Follower>>,
        change: Change,
    ) -> Outcome {
        let Some(follower) = begun else {
            let supersedes = change.supersedes(self.patch);
            finish::commit(self.shared, registry, self.patch, change, supersedes);
            return Outcome::Done;
        };
        if follower.begin(registry) {
            Outcome::Done
        } else {
            Outcome::Begun(follower)
        }
    }

    /// Phases 3 and 4, by the patch's model of consistency: a flip when nobody is inside the
    /// ranges, or one that leaves tasks behind.
    fn change(
        &mut self,
        registry: &mut Registry,
        plan: &Plan,
        change: Change,
    ) -> Result<Option<Arc<Follower>>, Retry> {
        registry.enter_handler(&plan.steps)?;
        let consistency = self.patch.status.lock().consistency;
        if consistency != Consistency::PerTask && !self.task_by_task {
            match self.attempt.flip(registry, plan) {
                Ok(()) => return Ok(None),
                Err(retry) => {
                    if !matches!(retry, Retry::Never(_)) || !self.goes_on_per_task() {
                        return Err(retry);
                    }
                }
            }
        }
        self.migrate(registry, plan, change, None).map(Some)
    }

    fn migrate(
        &mut self,
        registry: &mut Registry,
        plan: &Plan,
        change: Change,
        reversed: Option<&Arc<Transition>>,
    ) -> Result<Arc<Follower>, Retry> {
        let (shared, patch) = (self.shared, self.patch);
        let (supersedes, migration) = match reversed {
            Some(reversed) => (reversed.supersedes(), Some(reversed.migration())),
            None => (change.supersedes(patch), None),
        };
        let attempt = &mut self.attempt;
        start::migrate(attempt, registry, plan, migration, |probes| {
            let patch = patch.clone();
            let transition = Transition::new(patch, change, supersedes, probes, &plan.checked)?;
            Follower::new(shared.clone(), transition)
        })
    }
}
