// SPDX-License-Identifier: GPL-2.0

//! What becomes of patches when a change has been made, or has not.

use crate::{
    patch::{
        change::Change,
        lifecycle,
        status::Phase,
        Patch, //
    },
    registry::{
        shared::Shared,
        transition::Transition,
        Registry, //
    }, //
};
use kernel::sync::Arc;

/// Every task is where a change has sent it: brings the order of patches up to date. Callbacks are
/// left to [`post_callbacks`]. `supersedes`: a patch that is enabled takes all others off.
pub(crate) fn commit(
    shared: &Shared,
    registry: &mut Registry,
    patch: &Arc<Patch>,
    change: Change,
    supersedes: bool,
) {
    match change {
        Change::Enable if supersedes => supersede(shared, registry, patch),
        Change::Enable => {}
        Change::Disable => registry.remove(patch),
    }
}

/// A patch that replaces all others is on: they are on nothing any more, and their modules may go.
fn supersede(shared: &Shared, registry: &mut Registry, patch: &Arc<Patch>) {
    while let Some(other) = registry.another(patch) {
        registry.remove(&other);
        for index in 0..other.objects().len() {
            lifecycle::discard(&other, index);
        }
    }
    for other in shared.loaded.lock().iter() {
        if !Arc::ptr_eq(other, patch) {
            other.supersede();
        }
    }
}

/// Nobody is left behind in `transition`: its functions go where they are to go, and the order of
/// patches is brought up to date.
pub(crate) fn complete(shared: &Shared, registry: &mut Registry, transition: &Transition) {
    registry.complete(transition);
    if transition.is_forced() {
        keep_forced(registry, transition);
    }
    let (patch, change) = (&transition.patch, transition.change());
    commit(shared, registry, patch, change, transition.supersedes());
}

/// Tasks may be anywhere in the old code, so that stays for ever: it is this patch's when it was
/// disabled, otherwise that of the patches below.
fn keep_forced(registry: &mut Registry, transition: &Transition) {
    let patch = &transition.patch;
    match transition.change() {
        Change::Disable => patch.keep_forced(),
        Change::Enable => {
            registry.force(patch);
            for below in registry.below(patch) {
                below.keep_forced();
            }
        }
    }
}

/// The change is made: calls the callbacks that come after it.
pub(crate) fn post_callbacks(patch: &Patch, change: Change, below: &[Arc<Patch>]) {
    for (index, object) in patch.objects().iter().enumerate() {
        match (change, patch.phase(index)) {
            (_, Phase::Absent) => {}
            (Change::Enable, Phase::Patched) => {}
            (Change::Enable, Phase::Prepared | Phase::Leaving) => {
                lifecycle::patched(patch, index, object, below);
            }
            // One that is only prepared has come while the patch was on its way.
            (Change::Disable, _) => lifecycle::release(patch, index, object, below),
        }
    }
}

/// The change is not made: undoes what was done before it, in reverse.
pub(crate) fn rollback(patch: &Patch, change: Change, below: &[Arc<Patch>]) {
    for (index, object) in patch.objects().iter().enumerate().rev() {
        match (change, patch.phase(index)) {
            (Change::Enable, Phase::Prepared) => lifecycle::release(patch, index, object, below),
            (Change::Disable, Phase::Leaving) => lifecycle::patched(patch, index, object, below),
            _ => {}
        }
    }
}
