// SPDX-License-Identifier: GPL-2.0

//! Phases 3 and 4 of a change that is made task by task: how its transition begins.
//!
//! Mostly nobody is inside, and then nobody has to be followed either: the change is complete at
//! the flip. What a transition takes beyond that is found out by trying.

use crate::change::attempt;
use crate::change::attempt::End;
use crate::change::attempt::Trial;
use crate::edge::mechanism::migration::Migration;
use crate::edge::mechanism::recorder::Recording;
use crate::edge::mechanism::task_probes::Hold;
use crate::error::Cause;
use crate::error::Refusal;
use crate::error::Setback;
use crate::registry::checked::Turns;
use crate::registry::Registry;
use crate::stacks::blockers::Found;
use crate::stacks::judge::Behind;
use crate::stacks::judge::Judge;
use crate::stacks::scan::Scan;
use kernel::prelude::*;
use kernel::sync::Arc;

/// Slots for those who stay behind: at first, and at the most. Half of them may be full.
const SLOTS: (usize, usize) = (1 << 8, 1 << 22);

/// What is there for those who stay behind.
#[derive(Clone, Copy)]
struct Provision {
    slots: usize,
    /// They are followed, so there may be some.
    follows: bool,
}

/// How a try ended.
enum Departure<T> {
    Begun(T),
    /// Nothing has changed. It takes this.
    Short(Provision),
}

impl Provision {
    /// What it takes instead, when it does not do for those who have been seen.
    fn lacks(self, migration: &Migration, found: &Found) -> Option<Self> {
        if migration.is_full() {
            let seen = found.inside.saturating_add(found.unreliable);
            let more = self.slots * 2;
            let slots = seen.saturating_mul(4).clamp(more, more.max(SLOTS.1));
            Some(Self {
                slots: slots.next_power_of_two(),
                ..self
            })
        } else if migration.left() != 0 && !self.follows {
            Some(Self {
                follows: true,
                ..self
            })
        } else {
            None
        }
    }
}

impl Trial<'_> {
    /// Has all functions of `turns` part, and a transition begin that leaves behind whoever is
    /// inside the ranges, except who is still behind in the one that it reverses. `prepare` makes
    /// what has to be there afterwards.
    pub(crate) fn migrate<T>(
        &mut self,
        registry: &mut Registry,
        turns: &Turns,
        reversed: Option<&Arc<Migration>>,
        prepare: impl Fn(Hold) -> Result<T>,
    ) -> Result<T, Setback> {
        let recording = self.record()?;
        let mut provision = Provision {
            slots: SLOTS.0,
            follows: false,
        };
        let result = loop {
            match self.depart(provision, &recording, registry, turns, reversed, &prepare) {
                Ok(Departure::Begun(made)) => break Ok(made),
                Ok(Departure::Short(more)) if more.slots <= SLOTS.1 => provision = more,
                Ok(Departure::Short(_)) => {
                    break Err(Setback::Final(Refusal::new(
                        Cause::NoMemory,
                        fmt!("more tasks are inside than can be followed"),
                    )))
                }
                Err(setback) => break Err(setback),
            }
        };
        *self.recording = Some(recording);
        result
    }

    /// The same with what is provided.
    fn depart<T>(
        &mut self,
        mut provision: Provision,
        recording: &Recording,
        registry: &mut Registry,
        turns: &Turns,
        reversed: Option<&Arc<Migration>>,
        prepare: &impl Fn(Hold) -> Result<T>,
    ) -> Result<Departure<T>, Setback> {
        let migration =
            Migration::new(provision.slots, &turns.ways.there).map_err(|_| Refusal::no_memory())?;
        let behind = Behind {
            migration: &migration,
            reversed: reversed.map(|reversed| &**reversed),
        };
        let judge = Judge::leaving(migration.ranges(), Found::new()?, behind);
        let mut scan = Scan::new(&self.shared.exits, recording, judge);
        scan.look();
        self.figures.scanned = scan.surveyed;
        match provision.lacks(&migration, &scan.judge.found) {
            Some(more) if migration.is_full() => return Ok(Departure::Short(more)),
            Some(more) => provision = more,
            None => {}
        }
        let hold = match provision.follows {
            true => Hold::following(self.shared.points, migration.clone())
                .map_err(attempt::not_recorded)?,
            false => Hold::new(migration.clone()),
        };
        let made = prepare(hold).map_err(|_| Refusal::no_memory())?;
        registry.transitions.reserve(1, GFP_KERNEL)?;
        let begun = match turns.part(registry, &migration) {
            Ok(()) => self.begin_until_deadline(provision, &mut scan, &migration),
            Err(_) => Err(Refusal::no_memory().into()),
        };
        if !matches!(begun, Ok(None)) {
            turns.unpart(registry, &migration);
        }
        Ok(match begun? {
            None => Departure::Begun(made),
            Some(more) => Departure::Short(more),
        })
    }

    /// `None` when the transition has begun, otherwise what it takes.
    fn begin_until_deadline(
        &mut self,
        provision: Provision,
        scan: &mut Scan<'_>,
        migration: &Migration,
    ) -> Result<Option<Provision>, Setback> {
        loop {
            // Also at first: preparations have taken a while.
            scan.look();
            if let more @ Some(_) = provision.lacks(migration, &scan.judge.found) {
                return Ok(more);
            }
            let window = migration.open(provision.follows);
            let end = self.stop(scan, |stopped| window.flip(stopped))?;
            drop(window);
            if end == End::Flipped {
                return Ok(None);
            }
            // Somebody has come in at the last moment.
            if let more @ Some(_) = provision.lacks(migration, &scan.judge.found) {
                return Ok(more);
            }
            self.pause_after(end, &scan.judge.found)?;
        }
    }
}
