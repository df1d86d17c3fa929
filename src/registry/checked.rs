// SPDX-License-Identifier: GPL-2.0

//! Functions that part for a transition: where their calls have gone, and where they go.

use crate::patch::change::Change;
use crate::change::plan::Plan;
use crate::edge::mechanism::migration::Migration;
use crate::pure::ranges::Range;
use crate::registry::transition::Transition;
use crate::registry::Registry;
use kernel::alloc::AllocError;
use kernel::prelude::*;
use kernel::sync::Arc;

/// One function; 0 stands for the function itself.
struct Turn {
    /// Index among the registry's sites.
    site: usize,
    old: usize,
    new: usize,
}

/// See the module's documentation.
pub(crate) struct Turns {
    turns: KVec<Turn>,
    pub(crate) ways: Ways,
}

/// Where nobody may be who goes to the new universe, and where nobody who goes back.
#[derive(PartialEq)]
pub(crate) struct Ways {
    pub(crate) there: KVec<Range>,
    pub(crate) back: KVec<Range>,
}

impl Ways {
    /// The same again.
    pub(crate) fn copy(&self) -> Result<Self, AllocError> {
        Ok(Self {
            there: copy(&self.there)?,
            back: copy(&self.back)?,
        })
    }

    /// Widens both, in a transition of `change`, for functions of which nobody is in anything:
    /// `ranges` is where nobody may be for enabling, `back` where nobody may be for disabling.
    pub(crate) fn widen(
        &mut self,
        change: Change,
        ranges: &[Range],
        back: &[Range],
    ) -> Result<(), AllocError> {
        let (there, again) = change.order(&mut self.there, &mut self.back);
        add(there, ranges)?;
        add(again, back)
    }

    /// Forgets what is in `gone`, where nobody is any more, and something else may come to be.
    pub(crate) fn forget(&mut self, gone: Range) {
        for ranges in [&mut self.there, &mut self.back] {
            ranges.retain(|range| !gone.holds(range.start));
        }
    }
}

/// Those that are not there yet: a module may come and go often.
fn add(ranges: &mut KVec<Range>, more: &[Range]) -> Result<(), AllocError> {
    for range in more {
        if !ranges.contains(range) {
            ranges.push(*range, GFP_KERNEL)?;
        }
    }
    Ok(())
}

/// The same ranges again.
pub(crate) fn copy(ranges: &[Range]) -> Result<KVec<Range>, AllocError> {
    let mut copy = KVec::with_capacity(ranges.len(), GFP_KERNEL)?;
    copy.extend_from_slice(ranges, GFP_KERNEL)?;
    Ok(copy)
}

impl Turns {
    /// What `plan` is about, with its ranges.
    pub(crate) fn of(registry: &Registry, plan: &mut Plan) -> Result<Self, AllocError> {
        let mut turns = KVec::with_capacity(plan.steps.len(), GFP_KERNEL)?;
        for step in &plan.steps {
            let turn = Turn {
                site: step.site,
                old: registry.sites[step.site].redirect.target(),
                new: step.target,
            };
            turns.push(turn, GFP_KERNEL)?;
        }
        let ways = Ways {
            there: core::mem::take(&mut plan.ranges),
            back: core::mem::take(&mut plan.back),
        };
        Ok(Self { turns, ways })
    }

    /// The way back of a transition that is under way.
    pub(crate) fn back(registry: &Registry, reversed: &Transition) -> Result<Self, AllocError> {
        let mut turns = KVec::new();
        for (site, armed) in registry.sites.iter().enumerate() {
            let redirect = &armed.redirect;
            if let (true, Some((old, new))) =
                (redirect.is_in(reversed.migration()), redirect.targets())
            {
                let (old, new) = (new, old);
                turns.push(Turn { site, old, new }, GFP_KERNEL)?;
            }
        }
        let Ways { there, back } = reversed.ways()?;
        let ways = Ways {
            there: back,
            back: there,
        };
        Ok(Self { turns, ways })
    }

    /// Has all functions ask `migration`, which has not begun. After an error some do.
    pub(crate) fn part(&self, registry: &mut Registry, migration: &Arc<Migration>) -> Result {
        let Registry { sites, retired, .. } = registry;
        for turn in &self.turns {
            let redirect = &mut sites[turn.site].redirect;
            redirect.part(migration, (turn.old, turn.new), retired)?;
        }
        Ok(())
    }

    /// Has no function ask `migration` any more, which has not begun.
    pub(crate) fn unpart(&self, registry: &mut Registry, migration: &Arc<Migration>) {
        let Registry { sites, retired, .. } = registry;
        for turn in &self.turns {
            let redirect = &mut sites[turn.site].redirect;
            if redirect.is_in(migration) {
                redirect.unpart(retired);
            }
        }
    }
}
