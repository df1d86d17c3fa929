// SPDX-License-Identifier: GPL-2.0

//! The patches that lie below one which changes: what its callbacks are shown, and what it has to
//! know.

use crate::edge::kernel::modules::ModuleRef;
use crate::error::Cause;
use crate::error::Refusal;
use crate::patch::Patch;
use crate::pure::versions;
use crate::pure::versions::Conflict;
use crate::pure::versions::Known;
use crate::registry::Registry;
use kernel::prelude::*;
use kernel::sync::Arc;

/// The patches below, oldest first. They stay loaded as long as this lives, also those that the
/// change supersedes.
pub(crate) struct Below {
    patches: KVec<Arc<Patch>>,
    _pins: KVec<ModuleRef>,
}

impl Below {
    /// Of nothing.
    pub(crate) const fn none() -> Self {
        Self {
            patches: KVec::new(),
            _pins: KVec::new(),
        }
    }

    /// Those that lie below `patch`, for as long as the registry is held: transitions that end move
    /// patches.
    pub(crate) fn of(patch: &Patch, registry: &Registry) -> Result<Self, Refusal> {
        let mut patches = KVec::new();
        let mut pins = KVec::new();
        for other in registry.below(patch) {
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

    /// The same for callbacks of what cannot be refused any more: without memory they are shown
    /// none.
    pub(crate) fn shown_to(patch: &Patch, registry: &Registry) -> Self {
        Self::of(patch, registry).unwrap_or(Self::none())
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
