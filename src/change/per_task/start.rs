// SPDX-License-Identifier: GPL-2.0

//! Phases 3 and 4 of a change that leaves tasks behind: how its transition begins.
//!
//! Mostly nobody is inside, and then nobody has to be followed either: the change is complete at
//! the flip. What a transition takes beyond that is found out by trying.

use crate::{
    change::{
        attempt::{
            self,
            Attempt, //
        },
        plan::Plan, //
    },
    edge::mechanism::{
        migration::Migration,
        recorder::Recording,
        task_probes::Probes, //
    },
    error::{
        Cause,
        Refusal,
        Retry, //
    },
    registry::Registry,
    stacks::{
        blockers::Found,
        judge::{
            Behind,
            Judge,
            Verdict, //
        },
        scan::Scan, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Slots for stragglers: at first, and at the most. Half of them may be full.
const FIRST_SLOTS: usize = 1 << 8;
const MOST_SLOTS: usize = 1 << 22;

/// What is there for stragglers.
#[derive(Clone, Copy)]
struct Provision {
    slots: usize,
    /// They are followed, so there may be some.
    follows: bool,
}

impl Provision {
    /// What it takes instead, when it does not do for the stragglers that have been seen.
    fn lacks(self, migration: &Migration, found: &Found) -> Option<Self> {
        if migration.is_full() {
            let seen = found.inside.saturating_add(found.unreliable);
            let more = self.slots * 2;
            let slots = seen.saturating_mul(4).clamp(more, more.max(MOST_SLOTS));
            Some(Self {
                slots: slots.next_power_of_two(),
                ..self
            })
        } else if migration.remaining() != 0 && !self.follows {
            Some(Self {
                follows: true,
                ..self
            })
        } else {
            None
        }
    }
}

/// Makes the steps of `plan` by `attempt`, and has a transition begin that leaves behind the tasks
/// inside the ranges, except stragglers of the one that it reverses. `prepare` makes what has to be
/// there afterwards.
pub(crate) fn migrate<T>(
    attempt: &mut Attempt<'_>,
    registry: &mut Registry,
    plan: &Plan,
    reversed: Option<&Arc<Migration>>,
    prepare: impl Fn(Probes) -> Result<T>,
) -> Result<T, Retry> {
    let recording = attempt.record()?;
    let mut provision = Provision {
        slots: FIRST_SLOTS,
        follows: false,
    };
    let result = loop {
        match try_migrate(
            attempt,
            &mut provision,
            &recording,
            registry,
            plan,
            reversed,
            &prepare,
        ) {
            Ok(Some(made)) => break Ok(made),
            Ok(None) if provision.slots <= MOST_SLOTS => {}
            Ok(None) => {
                break Err(Retry::Never(Refusal::new(
                    Cause::NoMemory,
                    fmt!("more tasks are inside than can be followed"),
                )))
            }
            Err(retry) => break Err(retry),
        }
    };
    *attempt.recording = Some(recording);
    result
}

/// Tries it with what is provided. `None` when that does not do: nothing has changed, and
/// `provision` is what it takes.
fn try_migrate<T>(
    attempt: &mut Attempt<'_>,
    provision: &mut Provision,
    recording: &Recording,
    registry: &mut Registry,
    plan: &Plan,
    reversed: Option<&Arc<Migration>>,
    prepare: &impl Fn(Probes) -> Result<T>,
) -> Result<Option<T>, Retry> {
    let migration =
        Migration::new(provision.slots, &plan.checked.forward).map_err(|_| Refusal::no_memory())?;
    let behind = Behind {
        migration: &migration,
        reversed: reversed.map(|reversed| &**reversed),
    };
    let judge = Judge::per_task(migration.ranges(), Found::new()?, behind);
    let mut scan = Scan::new(&attempt.shared.exits, recording, judge);
    scan.look();
    attempt.figures.scanned = scan.surveyed;
    if let Some(more) = provision.lacks(&migration, &scan.judge.found) {
        *provision = more;
        if migration.is_full() {
            return Ok(None);
        }
    }
    let probes = if provision.follows {
        Probes::following(attempt.shared.points, migration.clone())
            .map_err(attempt::not_recorded)?
    } else {
        Probes::new(migration.clone())
    };
    let made = prepare(probes).map_err(|_| Refusal::no_memory())?;
    registry.reserve_transition()?;
    let begun = match registry.begin(plan.steps.iter().copied(), &migration) {
        Ok(()) => begin_until_deadline(attempt, provision, &mut scan, &migration),
        Err(_) => Err(Refusal::no_memory().into()),
    };
    if !matches!(begun, Ok(true)) {
        registry.cancel(&plan.steps, &migration);
    }
    Ok(begun?.then_some(made))
}

/// Whether the transition has begun; otherwise `provision` is what it takes.
fn begin_until_deadline(
    attempt: &mut Attempt<'_>,
    provision: &mut Provision,
    scan: &mut Scan<'_>,
    migration: &Migration,
) -> Result<bool, Retry> {
    loop {
        // Also at first: preparations have taken a while.
        scan.look();
        if let Some(more) = provision.lacks(migration, &scan.judge.found) {
            *provision = more;
            return Ok(false);
        }
        let window = migration.open(provision.follows);
        let verdict = attempt.stop(scan, |stopped| window.flip(stopped))?;
        drop(window);
        if verdict == Verdict::Clear {
            return Ok(true);
        }
        // Somebody has come in at the last moment.
        if let Some(more) = provision.lacks(migration, &scan.judge.found) {
            *provision = more;
            return Ok(false);
        }
        attempt.back_off(verdict, &scan.judge.found)?;
    }
}
