// SPDX-License-Identifier: GPL-2.0

//! Looking after those whom a transition has left behind.

use crate::edge::arch::stack;
use crate::edge::arch::stack::Verdict;
use crate::edge::kernel::tasks;
use crate::edge::mechanism::migration::Migration;
use crate::edge::mechanism::task_work;
use crate::edge::mechanism::task_work::Errand;
use crate::registry::transition::Transition;
use kernel::prelude::*;
use kernel::sync::atomic::Relaxed;
use kernel::time::delay::fsleep;
use kernel::time::Delta;
use kernel::time::Instant;
use kernel::time::Monotonic;

/// After so many seconds in which nobody has followed, that is said, once.
const SILENCE_S: i64 = 10;

/// Of the time, at most one part in so many is spent on looking at stacks.
const SHARE: i64 = 16;

/// See the module's documentation.
pub(crate) struct Tending {
    /// By number of the task in the migration.
    errands: KVVec<Option<Errand>>,
    /// Of tasks that have followed.
    old_errands: KVec<Errand>,
    left: usize,
    /// When somebody followed last.
    progress: Instant<Monotonic>,
    told: bool,
    /// When stacks were looked at last, and how long that took.
    looked: Option<(Instant<Monotonic>, Delta)>,
    poked: Instant<Monotonic>,
}

impl Tending {
    pub(crate) fn new(transition: &Transition) -> Self {
        Self {
            errands: KVVec::new(),
            old_errands: KVec::new(),
            left: usize::MAX,
            progress: transition.begun,
            told: false,
            looked: None,
            poked: transition.begun,
        }
    }

    /// One look at those who are left. Process context.
    pub(crate) fn look(&mut self, transition: &Transition) {
        let migration = transition.migration();
        self.look_at_stacks(migration);
        migration.sweep();
        let urgent = self.is_time_to_poke(transition);
        self.send(transition, urgent);
        let left = migration.left();
        if left < self.left {
            (self.left, self.progress) = (left, Instant::now());
        } else if !self.told && self.progress.elapsed() >= Delta::from_secs(SILENCE_S) {
            self.told = true;
            pr_notice!(
                "{}: {} tasks stay in the old code, none has followed for {} s{}\n",
                transition.patch.name(),
                left,
                SILENCE_S,
                transition.blockers().few()
            );
        }
    }

    /// Who does not run may be outside already. Those who run go by themselves, so this need not be
    /// done often.
    fn look_at_stacks(&mut self, migration: &Migration) {
        if let Some((when, took)) = self.looked {
            if when.elapsed().as_micros_ceil() < took.as_micros_ceil().saturating_mul(SHARE) {
                return;
            }
        }
        let begun = Instant::<Monotonic>::now();
        migration.for_each(|_, task| {
            if task.is_dead() {
                migration.release(task);
                return;
            }
            task.hold_still(|| {
                if stack::walk(task, migration.ranges()) == Verdict::Clean {
                    migration.release(task);
                }
            });
        });
        self.looked = Some((Instant::now(), begun.elapsed()));
    }

    fn is_time_to_poke(&mut self, transition: &Transition) -> bool {
        let after = transition.shared.poke_ms.load(Relaxed);
        let now = transition.is_poked()
            || (after != 0 && self.poked.elapsed() >= Delta::from_millis(after.into()));
        if now {
            self.poked = Instant::now();
        }
        now
    }

    /// Has those who return to user mode go from there, and when it is `urgent` wakes all who can
    /// be woken.
    fn send(&mut self, transition: &Transition, urgent: bool) {
        let migration = transition.migration();
        let missing = migration.numbers().saturating_sub(self.errands.len());
        if self.errands.reserve(missing, GFP_KERNEL).is_err() {
            // They go when they are switched out.
            return;
        }
        for _ in 0..missing {
            let _ = self.errands.push(None, GFP_KERNEL);
        }
        let mut idle = false;
        migration.for_each(|number, task| {
            idle |= task.pid() == 0;
            if task.is_kernel_only() {
                if urgent {
                    task.wake();
                }
                return;
            }
            let Some(slot) = self.errands.get_mut(number) else {
                return;
            };
            let sent = |errand: &Errand| errand.is_of(task) && !errand.is_done();
            if slot.as_ref().is_some_and(sent) && !urgent {
                return;
            }
            // Before the old one is replaced: without room for it there is no new one.
            if self.old_errands.reserve(1, GFP_KERNEL).is_err() {
                return;
            }
            if let Ok(errand) = Errand::send(task, migration.clone(), urgent) {
                if let Some(old) = slot.replace(errand) {
                    let _ = self.old_errands.push_within_capacity(old);
                }
            }
        });
        self.old_errands.retain(|errand| !errand.recall());
        if idle {
            tasks::switch_idle(|task| migration.has(task));
        }
    }

    /// Takes all errands back. Waits for those that tasks have in hand.
    pub(crate) fn end(self) {
        let mut errands = self.errands;
        let mut old = self.old_errands;
        loop {
            for slot in errands.iter_mut() {
                if slot.as_ref().is_some_and(Errand::recall) {
                    *slot = None;
                }
            }
            old.retain(|errand| !errand.recall());
            if old.is_empty() && errands.iter().all(Option::is_none) {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        task_work::wait_for_arrived();
    }
}
