// SPDX-License-Identifier: GPL-2.0

//! The patches that lie below one which changes: what its callbacks are shown, and what it has to
//! know.

use crate::{
    api::target::LowerStates,
    edge::{
        kernel::modules::ModuleRef,
        mechanism::state::StateHead, //
    },
    error::{
        Cause,
        Refusal, //
    },
    patch::Patch,
    pure::versions::{
        self,
        Conflict,
        Known, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The patches below, oldest first. They stay loaded as long as this lives, also those that the
/// change supersedes.
pub(crate) struct LowerPatches {
    patches: KVec<Arc<Patch>>,
    _pins: KVec<ModuleRef>,
}

impl LowerPatches {
    /// Of nothing.
    pub(crate) const fn none() -> Self {
        Self {
            patches: KVec::new(),
            _pins: KVec::new(),
        }
    }

    /// These, which are enabled, for as long as the registry is held: transitions that end move
    /// patches.
    pub(crate) fn of(below: &[Arc<Patch>]) -> Result<Self, Refusal> {
        let mut patches = KVec::new();
        let mut pins = KVec::new();
        for other in below {
            // It is enabled, so its module is there.
            if let Ok(pin) = other.pin() {
                pins.push(pin, GFP_KERNEL)?;
                patches.push(other.clone(), GFP_KERNEL)?;
            }
        }
        Ok(Self {
            patches,
            _pins: pins,
        })
    }

    /// These, for callbacks of what cannot be refused any more: without memory they are shown none.
    pub(crate) fn shown(below: &[Arc<Patch>]) -> Self {
        Self::of(below).unwrap_or(Self::none())
    }

    /// For callbacks.
    pub(crate) fn patches(&self) -> &[Arc<Patch>] {
        &self.patches
    }

    /// Whether `patch` knows what those below have done to the system.
    pub(crate) fn check_states(&self, patch: &Patch) -> Result<(), Refusal> {
        let known = |patch: &Patch| patch.states().iter().map(|state| state.known());
        for other in &self.patches {
            if let Some(conflict) = versions::conflict(known(patch), patch.replaces(), known(other))
            {
                return Err(incompatible(other, conflict));
            }
        }
        Ok(())
    }
}

impl LowerStates for &[Arc<Patch>] {
    fn find(&self, id: usize) -> Option<&StateHead> {
        let mut states = self.iter().rev().flat_map(|patch| patch.states());
        states.find(|state| state.known().id == id).copied()
    }
}

/// A state of `other` that the patch does not know, or not well enough.
fn incompatible(other: &Patch, conflict: Conflict) -> Refusal {
    let Known { id, version } = conflict.theirs;
    let name = other.name();
    match conflict.ours {
        Some(ours) => Refusal::new(
            Cause::Incompatible,
            fmt!("state {id:#x} has version {version} in {name}, and {ours} here"),
        ),
        None => Refusal::new(
            Cause::Incompatible,
            fmt!("state {id:#x} of {name}, version {version}, is not known here"),
        ),
    }
}
