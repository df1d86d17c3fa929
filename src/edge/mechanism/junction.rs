// SPDX-License-Identifier: GPL-2.0

//! Where the two universes of a transition part: one function, and where each of them goes.
//!
//! The handler comes here while there are transitions, and asks for the task that calls. A junction
//! stays in place until its transition is over and a grace period has passed
//! ([`crate::edge::mechanism::reclaim`]).

use crate::edge::{
    arch::this_cpu,
    mechanism::migration::Migration, //
};
use core::ptr;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Where one function sends stragglers of a transition, and where all other tasks.
///
/// # Invariants
///
/// `before` is null or a junction that is freed after this one's migration has begun, and a grace
/// period has passed after that: only a handler follows it that has seen that the migration had not
/// begun.
pub(crate) struct Junction {
    migration: Arc<Migration>,
    /// Where stragglers go, and where all other tasks go.
    old: usize,
    new: usize,
    /// What counts until this one's migration has begun: that of the transition which it reverses.
    before: *const Self,
}

// SAFETY: a junction is only read; what it points to may be read by any thread.
unsafe impl Send for Junction {}
// SAFETY: as above.
unsafe impl Sync for Junction {}

impl Junction {
    /// `old` and `new` as the handler stores them. Process context.
    ///
    /// `before`: the junction that is in force at the function. It is freed after this one, or when
    /// this one's migration has begun and a grace period has passed.
    pub(in crate::edge) fn new(
        migration: Arc<Migration>,
        (old, new): (usize, usize),
        before: Option<&Self>,
    ) -> Result<KBox<Self>> {
        let before = before.map_or(ptr::null(), ptr::from_ref);
        // INVARIANT: promised by the caller.
        let junction = Self {
            migration,
            old,
            new,
            before,
        };
        Ok(KBox::new(junction, GFP_KERNEL)?)
    }

    /// Whether it belongs to `migration`.
    pub(crate) fn is_of(&self, migration: &Arc<Migration>) -> bool {
        Arc::ptr_eq(&self.migration, migration)
    }

    /// Where stragglers go, and where all other tasks go, as the handler stores it.
    pub(in crate::edge) fn targets(&self) -> (usize, usize) {
        (self.old, self.new)
    }
}

/// Where a call goes at the junction with this address; `None` when its transition has not begun,
/// or when there is no junction. Any context, no panic path.
///
/// # Safety
///
/// `at` must be 0 or what stands in the table of targets, read by a handler that ftrace waits for.
pub(in crate::edge) unsafe fn choose(at: usize) -> Option<usize> {
    let mut at = at as *const Junction;
    // SAFETY: by the requirement and the type invariant, junctions are freed only after a grace
    // period that waits for the handler.
    while let Some(junction) = unsafe { at.as_ref() } {
        let mut gate = junction.migration.gate.read();
        // A change that NMI handlers use is vetoed; see `Gate`.
        if gate.is_open() && this_cpu::in_nmi() {
            gate = junction.migration.gate.veto();
        }
        if Migration::has_begun(gate) {
            return Some(if junction.migration.holds(this_cpu::task()) {
                junction.old
            } else {
                junction.new
            });
        }
        // By the type invariant valid: this one's migration had not begun, and a handler that is
        // half way is waited for.
        at = junction.before;
    }
    None
}
