// SPDX-License-Identifier: GPL-2.0

//! What becomes of patches when a change has been made, or has not.

use crate::patch::change::Change;
use crate::patch::lifecycle;
use crate::patch::status::Phase;
use crate::patch::Patch;
use crate::registry::shared::Shared;
use crate::registry::Registry;
use kernel::sync::Arc;

/// Everybody is where a change has sent them: brings the order of patches up to date. Callbacks are
/// left to [`conclude`]. `supersedes`: a patch that is enabled takes all others off.
pub(crate) fn settle(
    shared: &Shared,
    registry: &mut Registry,
    patch: &Arc<Patch>,
    change: Change,
    supersedes: bool,
) {
    match change {
        Change::Enable if supersedes => supersede(shared, registry, patch),
        Change::Enable => {}
        Change::Disable => {
            for site in &mut registry.sites {
                site.remove(patch);
            }
            registry.remove(patch);
        }
    }
}

/// A patch that replaces all others is on: they are on nothing any more, and their modules may go.
fn supersede(shared: &Shared, registry: &mut Registry, patch: &Arc<Patch>) {
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
        for index in 0..other.objects().len() {
            lifecycle::discard(&other, index);
        }
    }
    for dir in shared.loaded.lock().iter() {
        if !Arc::ptr_eq(dir.patch(), patch) {
            dir.patch().supersede();
        }
    }
}

/// The change is made: calls the callbacks that come after it.
pub(crate) fn conclude(patch: &Patch, change: Change, below: &[Arc<Patch>]) {
    for (index, object) in patch.objects().iter().enumerate() {
        match (change, patch.phase(index)) {
            (_, Phase::Absent) => {}
            (Change::Enable, Phase::Patched) => {}
            (Change::Enable, Phase::Prepared | Phase::Leaving) => {
                lifecycle::settle(patch, index, object, below);
            }
            // One that is only prepared has come while the patch was on its way.
            (Change::Disable, _) => lifecycle::release(patch, index, object, below),
        }
    }
}

/// The change is not made: undoes what was done before it, in reverse.
pub(crate) fn undo(patch: &Patch, change: Change, below: &[Arc<Patch>]) {
    for (index, object) in patch.objects().iter().enumerate().rev() {
        match (change, patch.phase(index)) {
            (Change::Enable, Phase::Prepared) => lifecycle::release(patch, index, object, below),
            (Change::Disable, Phase::Leaving) => lifecycle::settle(patch, index, object, below),
            _ => {}
        }
    }
}
