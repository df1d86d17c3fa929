// SPDX-License-Identifier: GPL-2.0

//! A change that has begun and left tasks behind, until the last of them has followed.
//!
//! ```text
//!   made ──> under way ──> completed     the last straggler has followed, or was forced
//!                  └─────> reversed      another transition has begun that leads back
//! ```
//!
//! A transition is made before its flip. It is under way from the flip on, in the registry's list;
//! a transition that leaves nobody behind is completed at once. Only a task that holds the registry
//! moves it, so completed and reversed exclude each other, and both are for good. This is the
//! record alone: what drives it is in [`crate::change::per_task`].

use crate::{
    edge::mechanism::{
        migration::Migration,
        task_probes::Probes, //
    },
    patch::{
        change::Change,
        stragglers::Stragglers,
        Patch, //
    },
    registry::checked::Checked, //
};
use kernel::{
    alloc::AllocError,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    }, //
};

/// The record of one transition.
#[pin_data]
pub(crate) struct Transition {
    pub(crate) patch: Arc<Patch>,
    change: Change,
    /// It began as one of a patch that replaces all others, or is the way back of such: at the end
    /// of the way there they are superseded.
    supersedes: bool,
    stragglers: Arc<Stragglers>,
    #[pin]
    checked: Mutex<Checked>,
    /// Until it is over.
    #[pin]
    probes: Mutex<Option<Probes>>,
    completed: Atomic<bool>,
    reversed: Atomic<bool>,
    /// Tasks were taken to the new universe wherever they were.
    forced: Atomic<bool>,
}

impl Transition {
    /// One that is about to begin. Process context.
    pub(crate) fn new(
        patch: Arc<Patch>,
        change: Change,
        supersedes: bool,
        probes: Probes,
        checked: &Checked,
    ) -> Result<Arc<Self>> {
        let stragglers = Stragglers::new(probes.migration().clone())?;
        let checked = checked.copy()?;
        Arc::pin_init(
            pin_init!(Self {
                patch,
                change,
                supersedes,
                stragglers,
                checked <- new_mutex!(checked),
                probes <- new_mutex!(Some(probes)),
                completed: Atomic::new(false),
                reversed: Atomic::new(false),
                forced: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }

    /// Where it leads.
    pub(crate) fn change(&self) -> Change {
        self.change
    }

    /// Whether all other patches are off when it, or the one that turns it round, has enabled its
    /// patch.
    pub(crate) fn supersedes(&self) -> bool {
        self.supersedes
    }

    /// Those it has left behind.
    pub(crate) fn stragglers(&self) -> &Arc<Stragglers> {
        &self.stragglers
    }

    pub(crate) fn migration(&self) -> &Arc<Migration> {
        self.stragglers.migration()
    }

    /// It is complete, or another has begun that leads back.
    pub(crate) fn is_over(&self) -> bool {
        self.completed.load(Relaxed) || self.is_reversed()
    }

    /// Another has begun that leads back.
    pub(crate) fn is_reversed(&self) -> bool {
        self.reversed.load(Relaxed)
    }

    /// For [`Registry`](crate::registry::Registry).
    pub(super) fn set_completed(&self) {
        self.completed.store(true, Relaxed);
    }

    /// For [`Registry`](crate::registry::Registry).
    pub(super) fn set_reversed(&self) {
        self.reversed.store(true, Relaxed);
    }

    /// Whether tasks were taken to the new universe wherever they were.
    pub(crate) fn is_forced(&self) -> bool {
        self.forced.load(Relaxed)
    }

    /// Keeps that they were. True the first time.
    pub(crate) fn set_forced(&self) -> bool {
        !self.forced.xchg(true, Relaxed)
    }

    /// Takes out what is needed as long as it is under way.
    pub(crate) fn take_probes(&self) -> Option<Probes> {
        self.probes.lock().take()
    }

    /// Where nobody may be that goes there or back.
    pub(crate) fn checked(&self) -> Result<Checked, AllocError> {
        self.checked.lock().copy()
    }

    /// Changes where nobody may be, because a module comes or goes of which nobody is in anything.
    pub(crate) fn set_checked(
        &self,
        change: impl Fn(&mut Checked) -> Result<(), AllocError>,
    ) -> Result {
        let mut checked = self.checked.lock();
        let mut changed = checked.copy()?;
        change(&mut changed)?;
        if changed == *checked {
            return Ok(());
        }
        self.migration().set_ranges(&changed.forward)?;
        *checked = changed;
        Ok(())
    }
}
