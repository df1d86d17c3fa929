// SPDX-License-Identifier: GPL-2.0

//! The tasks that a transition of a patch has left behind, as far as others ask for them.

use crate::{
    edge::mechanism::migration::Migration,
    stacks::blockers::{
        self,
        Blockers, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        Instant,
        Monotonic, //
    }, //
};

/// The stragglers of one transition. A patch has this while a transition of it is under way.
pub(crate) struct Stragglers {
    migration: Arc<Migration>,
    /// When the transition began.
    begun: Instant<Monotonic>,
    /// Those that can be woken are to be woken.
    poked: Atomic<bool>,
}

impl Stragglers {
    /// Those of `migration`, which is about to begin. Process context.
    pub(crate) fn new(migration: Arc<Migration>) -> Result<Arc<Self>> {
        let stragglers = Self {
            migration,
            begun: Instant::now(),
            poked: Atomic::new(false),
        };
        Ok(Arc::new(stragglers, GFP_KERNEL)?)
    }

    pub(crate) fn migration(&self) -> &Arc<Migration> {
        &self.migration
    }

    /// When the transition began.
    pub(crate) fn begun(&self) -> Instant<Monotonic> {
        self.begun
    }

    /// How many there are.
    pub(crate) fn remaining(&self) -> usize {
        self.migration.remaining()
    }

    /// Has those woken that can be: at the next look.
    pub(crate) fn poke(&self) {
        self.poked.store(true, Relaxed);
    }

    /// Whether that is wanted; once.
    pub(crate) fn take_poke(&self) -> bool {
        self.poked.xchg(false, Relaxed)
    }

    /// Their names, and where they are. Process context.
    pub(crate) fn blockers(&self) -> Blockers {
        blockers::left_behind(&self.migration, self.begun)
    }
}
