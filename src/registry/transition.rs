// SPDX-License-Identifier: GPL-2.0

//! A change that has begun and left tasks behind, until the last of them has followed.
//!
//! Tasks go to the new universe by themselves, whenever they are seen outside of the old code
//! ([`crate::edge::mechanism::task_probes`], [`crate::edge::mechanism::task_work`]); here is who
//! waits for them, and what comes after.

use crate::patch::change::Change;
use crate::change::finish;
use crate::change::per_task::stragglers::Tending;
use crate::edge::mechanism::migration::Migration;
use crate::edge::mechanism::task_probes::Hold;
use crate::error::Cause;
use crate::error::Refusal;
use crate::patch::lower::Below;
use crate::patch::Patch;
use crate::registry::checked::Turns;
use crate::registry::checked::Ways;
use crate::registry::shared::Shared;
use crate::registry::Registry;
use crate::stacks::blockers;
use crate::stacks::blockers::Blockers;
use kernel::alloc::AllocError;
use kernel::impl_has_work;
use kernel::new_mutex;
use kernel::new_work;
use kernel::prelude::*;
use kernel::sync::atomic::Atomic;
use kernel::sync::atomic::Relaxed;
use kernel::sync::Arc;
use kernel::sync::Mutex;
use kernel::time::delay::fsleep;
use kernel::time::Delta;
use kernel::time::Instant;
use kernel::time::Monotonic;
use kernel::workqueue::Work;
use kernel::workqueue::WorkItem;

/// Milliseconds between two looks: first and longest; it doubles from one to the other. The kernel
/// rounds up (`msleep`, to jiffies and one more), so an end is seen within 50.
const PAUSE_MS: (i64, i64) = (1, 40);

/// See the module's documentation.
#[pin_data]
pub(crate) struct Transition {
    pub(crate) shared: Arc<Shared>,
    pub(crate) patch: Arc<Patch>,
    change: Change,
    /// It began as one of a patch that replaces all others, or is the way back of such: at the end
    /// of the way there they are superseded.
    supersedes: bool,
    migration: Arc<Migration>,
    /// When it began.
    pub(crate) begun: Instant<Monotonic>,
    #[pin]
    ways: Mutex<Ways>,
    /// Until it is over.
    #[pin]
    hold: Mutex<Option<Hold>>,
    /// How many it has left behind at first.
    left: Atomic<usize>,
    completed: Atomic<bool>,
    reversed: Atomic<bool>,
    /// Tasks were taken to the new universe wherever they were.
    forced: Atomic<bool>,
    /// Whoever can be woken is to be woken.
    poked: Atomic<bool>,
    #[pin]
    work: Work<Transition>,
}

impl_has_work! {
    impl HasWork<Self> for Transition { self.work }
}

impl Transition {
    /// One that is about to begin. Process context.
    pub(crate) fn new(
        shared: Arc<Shared>,
        patch: Arc<Patch>,
        change: Change,
        supersedes: bool,
        hold: Hold,
        turns: &Turns,
    ) -> Result<Arc<Self>> {
        let migration = hold.migration().clone();
        let ways = turns.ways.copy()?;
        Arc::pin_init(
            pin_init!(Self {
                shared,
                patch,
                change,
                supersedes,
                migration,
                begun: Instant::now(),
                ways <- new_mutex!(ways),
                hold <- new_mutex!(Some(hold)),
                left: Atomic::new(0),
                completed: Atomic::new(false),
                reversed: Atomic::new(false),
                forced: Atomic::new(false),
                poked: Atomic::new(false),
                work <- new_work!("molt::Transition"),
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

    pub(crate) fn migration(&self) -> &Arc<Migration> {
        &self.migration
    }

    /// It is complete, or another has begun that leads back.
    pub(crate) fn is_over(&self) -> bool {
        self.completed.load(Relaxed) || self.reversed.load(Relaxed)
    }

    /// Where nobody may be who goes there or back.
    pub(crate) fn ways(&self) -> Result<Ways, AllocError> {
        self.ways.lock().copy()
    }

    /// Its migration has begun: makes it known, in room that was reserved. True when nobody was
    /// left behind, and it is over already.
    pub(crate) fn begin(self: &Arc<Self>, registry: &mut Registry) -> bool {
        let left = self.migration.left();
        if left == 0 {
            self.complete(registry);
            if let Some(hold) = self.hold.lock().take() {
                registry.retired.add_hold(hold);
            }
            return true;
        }
        self.left.store(left, Relaxed);
        let known = registry.transitions.push_within_capacity(self.clone());
        debug_assert!(known.is_ok());
        let mut status = self.patch.status.lock();
        status.enabled = matches!(self.change, Change::Enable);
        status.transition = Some(self.clone());
        false
    }

    /// Another has begun that leads back.
    pub(crate) fn give_way(&self, registry: &mut Registry) {
        self.reversed.store(true, Relaxed);
        self.end(registry);
    }

    fn end(&self, registry: &mut Registry) {
        registry
            .transitions
            .retain(|other| !core::ptr::eq(&**other, self));
        let mut status = self.patch.status.lock();
        let ours = |other: &Arc<Self>| core::ptr::eq(&**other, self);
        let ended = match status.transition.as_ref().is_some_and(ours) {
            true => status.transition.take(),
            false => None,
        };
        drop(status);
        drop(ended);
    }

    /// Nobody is left behind: all functions go where they are to go.
    fn complete(self: &Arc<Self>, registry: &mut Registry) {
        let Registry { sites, retired, .. } = &mut *registry;
        for site in sites.iter_mut() {
            if site.redirect.is_in(&self.migration) {
                site.redirect.join(retired);
            }
        }
        self.completed.store(true, Relaxed);
        self.end(registry);
        if self.forced.load(Relaxed) {
            self.keep_forced(registry);
        }
        let (patch, change) = (&self.patch, self.change);
        finish::settle(&self.shared, registry, patch, change, self.supersedes);
    }

    /// Tasks may be anywhere in the old code, so that stays for ever: it is this patch's when it
    /// was disabled, otherwise that of those below.
    fn keep_forced(&self, registry: &mut Registry) {
        match self.change {
            Change::Disable => self.patch.keep_forced(),
            Change::Enable => {
                for site in &mut registry.sites {
                    site.force(&self.patch);
                }
                for below in registry.below(&self.patch) {
                    below.keep_forced();
                }
            }
        }
    }

    /// One line in the log, at its beginning.
    fn tell(&self) {
        let left = self.left.load(Relaxed);
        let figures = self.patch.status.lock().figures;
        pr_info!(
            "{}: {} for all but {} tasks, CPUs held for {} ns, attempt {}\n",
            self.patch.name(),
            self.change.done(),
            left,
            figures.stop_ns,
            figures.attempts
        );
    }

    /// Completes it when nobody is left behind, and everything that comes after that. True when it
    /// is over.
    fn try_complete(self: &Arc<Self>) -> bool {
        if self.migration.left() != 0 {
            return self.is_over();
        }
        self.complete_in(&mut self.shared.visit())
    }

    /// The same with the registry.
    fn complete_in(self: &Arc<Self>, registry: &mut Registry) -> bool {
        if self.is_over() {
            return true;
        }
        if self.migration.left() != 0 {
            return false;
        }
        let patch = &self.patch;
        let below = Below::shown_to(patch, registry);
        self.complete(registry);
        finish::conclude(patch, self.change, below.patches());
        // Whoever finds it over can unload those that are off.
        drop(below);
        pr_info!(
            "{}: {}, the last task has followed after {} ms\n",
            patch.name(),
            self.change.done(),
            self.begun.elapsed().as_millis()
        );
        let mut status = patch.status.lock();
        // Unless the opposite has been asked for, which has found nothing to turn round.
        if status.state != self.change.opposite().during() {
            // With the registry locked: who finds it over when they get that, finds this too.
            status.enter(self.change.after());
        }
        true
    }

    /// Everybody goes to the new universe now, wherever they are. What they are in stays for ever.
    /// Process context.
    pub(crate) fn force(self: &Arc<Self>) -> Result<(), Refusal> {
        loop {
            // Nobody turns it round meanwhile, who would take those for left behind that are let go
            // here.
            let mut registry = self.shared.visit();
            if self.complete_in(&mut registry) {
                break;
            }
            let released = self.migration.force();
            // None, if the last has left by itself meanwhile.
            if released != 0 && !self.forced.xchg(true, Relaxed) {
                pr_warn!(
                    "{}: forced, with {} tasks left behind\n",
                    self.patch.name(),
                    released
                );
            }
            // Again, because those who are left make others.
        }
        match self.reversed.load(Relaxed) {
            false => Ok(()),
            true => Err(Refusal::new(Cause::Cancelled, fmt!("it was reversed"))),
        }
    }

    /// Has everybody woken who can be: at the next look.
    pub(crate) fn poke(&self) {
        self.poked.store(true, Relaxed);
    }

    /// Whether that is wanted; once.
    pub(crate) fn is_poked(&self) -> bool {
        self.poked.xchg(false, Relaxed)
    }

    /// Who is left behind. Process context.
    pub(crate) fn blockers(&self) -> Blockers {
        blockers::left_behind(&self.migration, self.begun)
    }

    /// Changes where nobody may be, because a module comes or goes of which nobody is in anything.
    pub(crate) fn set_ways(&self, change: impl Fn(&mut Ways) -> Result<(), AllocError>) -> Result {
        let mut ways = self.ways.lock();
        let mut changed = ways.copy()?;
        change(&mut changed)?;
        if changed == *ways {
            return Ok(());
        }
        self.migration.set_ranges(&changed.there)?;
        *ways = changed;
        Ok(())
    }
}

impl WorkItem for Transition {
    type Pointer = Arc<Self>;

    fn run(transition: Arc<Self>) {
        transition.tell();
        let mut tending = Tending::new(&transition);
        let mut pause = PAUSE_MS.0;
        while !transition.try_complete() {
            tending.look(&transition);
            fsleep(Delta::from_millis(pause));
            pause = (pause * 2).min(PAUSE_MS.1);
        }
        let hold = transition.hold.lock().take();
        drop(hold);
        tending.end();
        transition.migration.sweep();
        let retired = {
            // A change that is blocked gives way.
            let mut registry = transition.shared.visit();
            registry.tidy();
            registry.take_retired()
        };
        drop(retired);
    }
}
