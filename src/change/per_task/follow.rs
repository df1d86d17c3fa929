// SPDX-License-Identifier: GPL-2.0

//! What drives a transition that has left tasks behind, until the last of them has followed.
//!
//! Tasks go to the new universe by themselves, whenever they are seen outside of the old code
//! ([`crate::edge::mechanism::task_probes`], [`crate::edge::mechanism::task_work`]). Each
//! transition has a worker that looks again and again, helps along, and does what comes after.
//!
//! Three threads may want to end one transition: this worker, a writer to `force`, and the worker
//! of changes, which may turn it round. Each does so with the registry held, from asking whether it
//! is over to the last step of ending it. So one of them ends it and the others find that. A writer
//! to `force` looks the transition up, releases the stragglers and notes that they were forced
//! under one hold of the registry: what it releases belongs to a transition that is under way then.
//! The set may become empty before the note, but nobody completes the transition in between, so a
//! completion after a release always sees the note. Between two rounds of `force` the transition
//! may have been completed, which is what was wanted, or reversed, which is refused as cancelled.
//! Tests: `force::*`, `pertask::forced_while_reversed`, `pertask::forced_while_they_fork`.

use crate::{
    change::finish,
    edge::{
        arch::stack::{
            self,
            Finding, //
        },
        kernel::tasks,
        mechanism::{
            migration::Migration,
            task_work::{
                self,
                TaskWork, //
            }, //
        }, //
    },
    error::{
        Cause,
        Refusal, //
    },
    patch::{
        lower::LowerPatches,
        stragglers::Stragglers,
        Patch, //
    },
    pure::backoff::Backoff,
    registry::{
        shared::Shared,
        transition::Transition,
        Registry, //
    }, //
};
use kernel::{
    impl_has_work,
    new_work,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// Milliseconds between two looks: first and longest. The kernel rounds up (`msleep`, to jiffies
/// and one more), so an end is seen within 50.
const FIRST_PAUSE_MS: u32 = 1;
const LONGEST_PAUSE_MS: u32 = 40;

/// After so many seconds in which nobody has followed, that is said, once.
const SILENCE_S: i64 = 10;

/// Of the time, at most one part in so many is spent on looking at stacks.
const SHARE: i64 = 16;

/// The worker of one transition.
#[pin_data]
pub(crate) struct Follower {
    shared: Arc<Shared>,
    transition: Arc<Transition>,
    /// How many were left behind at first.
    left_behind: Atomic<usize>,
    #[pin]
    work: Work<Follower>,
}

impl_has_work! {
    impl HasWork<Self> for Follower { self.work }
}

impl Follower {
    /// Of a transition that is about to begin. Process context.
    pub(crate) fn new(shared: Arc<Shared>, transition: Arc<Transition>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                shared,
                transition,
                left_behind: Atomic::new(0),
                work <- new_work!("molt::Follower"),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn transition(&self) -> &Arc<Transition> {
        &self.transition
    }

    /// The flip has been made: the transition is under way, in room that was reserved. True when
    /// nobody was left behind, and it is over already.
    pub(crate) fn begin(&self, registry: &mut Registry) -> bool {
        let transition = &self.transition;
        let left_behind = transition.migration().remaining();
        if left_behind == 0 {
            finish::complete(&self.shared, registry, transition);
            registry.reclaim_probes(transition);
            return true;
        }
        self.left_behind.store(left_behind, Relaxed);
        registry.add_transition(transition);
        false
    }

    /// One line in the log, at its beginning.
    fn tell(&self) {
        let transition = &self.transition;
        let figures = transition.patch.status.lock().figures;
        pr_info!(
            "{}: {} for all but {} tasks, CPUs held for {} ns, attempt {}\n",
            transition.patch.name(),
            transition.change().done(),
            self.left_behind.load(Relaxed),
            figures.stop_ns,
            figures.attempts
        );
    }

    /// Completes it when nobody is left behind, and everything that comes after that. True when it
    /// is over.
    fn try_complete(&self) -> bool {
        if self.transition.migration().remaining() != 0 {
            return self.transition.is_over();
        }
        try_complete(&self.shared, &mut self.shared.visit(), &self.transition)
    }
}

impl WorkItem for Follower {
    type Pointer = Arc<Self>;

    fn run(follower: Arc<Self>) {
        let Self {
            shared, transition, ..
        } = &*follower;
        follower.tell();
        let mut helper = Helper::new(transition.stragglers().begun());
        let mut backoff = Backoff::new(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
        while !follower.try_complete() {
            helper.poll(shared, transition);
            fsleep(Delta::from_millis(backoff.next_pause().into()));
        }
        drop(transition.take_probes());
        helper.end();
        transition.migration().sweep();
        let reclaim = {
            // A change that is blocked gives way.
            let mut registry = shared.visit();
            registry.after_change();
            registry.take_reclaim()
        };
        drop(reclaim);
    }
}

/// Completes `transition` when nobody is left behind, and everything that comes after that. True
/// when it is over.
fn try_complete(shared: &Shared, registry: &mut Registry, transition: &Transition) -> bool {
    if transition.is_over() {
        return true;
    }
    if transition.migration().remaining() != 0 {
        return false;
    }
    let (patch, change) = (&transition.patch, transition.change());
    let below = LowerPatches::shown(registry.below(patch));
    finish::complete(shared, registry, transition);
    finish::post_callbacks(patch, change, below.patches());
    // A task that finds it over can unload the patches that are off.
    drop(below);
    pr_info!(
        "{}: {}, the last task has followed after {} ms\n",
        patch.name(),
        change.done(),
        transition.stragglers().begun().elapsed().as_millis()
    );
    let mut status = patch.status.lock();
    // Unless the opposite has been asked for, which has found nothing to turn round.
    if status.progress != change.opposite().during() {
        // With the registry locked: a task that finds it over when it gets that finds this, too.
        status.enter(change.after());
    }
    true
}

/// Sends all stragglers of the transition of `patch` to the new universe now, wherever they are.
/// What they are in stays for ever. Process context.
pub(crate) fn force(shared: &Shared, patch: &Arc<Patch>) -> Result<(), Refusal> {
    let mut registry = shared.visit();
    let Some(transition) = registry.transition_of(patch).cloned() else {
        return Err(Refusal::new(Cause::Invalid, fmt!("no task is left behind")));
    };
    while !try_complete(shared, &mut registry, &transition) {
        let released = transition.migration().force();
        // None, if the last has left by itself meanwhile.
        if released != 0 && transition.set_forced() {
            pr_warn!(
                "{}: forced, with {} tasks left behind\n",
                patch.name(),
                released
            );
        }
        // Again, because stragglers make others. Other users of the registry come in between.
        drop(registry);
        registry = shared.visit();
    }
    if transition.is_reversed() {
        Err(Refusal::new(Cause::Cancelled, fmt!("it was reversed")))
    } else {
        Ok(())
    }
}

/// What is done for the stragglers of one transition.
struct Helper {
    /// By number of the task in the migration.
    work: KVVec<Option<TaskWork>>,
    /// Of tasks that have followed.
    old_work: KVec<TaskWork>,
    remaining: usize,
    /// When a straggler followed last.
    progress: Instant<Monotonic>,
    told: bool,
    /// When stacks were looked at last, and how long that took.
    looked: Option<(Instant<Monotonic>, Delta)>,
    poked: Instant<Monotonic>,
}

impl Helper {
    fn new(begun: Instant<Monotonic>) -> Self {
        Self {
            work: KVVec::new(),
            old_work: KVec::new(),
            remaining: usize::MAX,
            progress: begun,
            told: false,
            looked: None,
            poked: begun,
        }
    }

    /// One look at those that are left. Process context.
    fn poll(&mut self, shared: &Shared, transition: &Transition) {
        let stragglers = transition.stragglers();
        let migration = stragglers.migration();
        self.look_at_stacks(migration);
        migration.sweep();
        let urgent = self.is_time_to_poke(shared, stragglers);
        self.wake(migration, urgent);
        let remaining = migration.remaining();
        if remaining < self.remaining {
            (self.remaining, self.progress) = (remaining, Instant::now());
        } else if !self.told && self.progress.elapsed() >= Delta::from_secs(SILENCE_S) {
            self.told = true;
            pr_notice!(
                "{}: {} tasks stay in the old code, none has followed for {} s{}\n",
                transition.patch.name(),
                remaining,
                SILENCE_S,
                stragglers.blockers().few()
            );
        }
    }

    /// A task that does not run may be outside already. Those that run go by themselves, so this
    /// need not be done often.
    fn look_at_stacks(&mut self, migration: &Migration) {
        if let Some((when, took)) = self.looked {
            if when.elapsed().as_micros_ceil() < took.as_micros_ceil().saturating_mul(SHARE) {
                return;
            }
        }
        let begun = Instant::<Monotonic>::now();
        migration.for_each(|_, task| {
            if task.is_dead() {
                migration.remove(task);
                return;
            }
            task.hold_still(|| {
                if stack::walk(task, migration.ranges()) == Finding::Clean {
                    migration.remove(task);
                }
            });
        });
        self.looked = Some((Instant::now(), begun.elapsed()));
    }

    fn is_time_to_poke(&mut self, shared: &Shared, stragglers: &Stragglers) -> bool {
        let after = shared.poke_ms.load(Relaxed);
        let now = stragglers.take_poke()
            || (after != 0 && self.poked.elapsed() >= Delta::from_millis(after.into()));
        if now {
            self.poked = Instant::now();
        }
        now
    }

    /// Has stragglers that return to user mode go from there, and when it is `urgent` wakes all
    /// that can be woken.
    fn wake(&mut self, migration: &Arc<Migration>, urgent: bool) {
        let missing = migration.numbers().saturating_sub(self.work.len());
        if self.work.reserve(missing, GFP_KERNEL).is_err() {
            // They go when they are switched out.
            return;
        }
        for _ in 0..missing {
            let _ = self.work.push(None, GFP_KERNEL);
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
            let Some(slot) = self.work.get_mut(number) else {
                return;
            };
            let added = |work: &TaskWork| work.is_of(task) && !work.is_done();
            if slot.as_ref().is_some_and(added) && !urgent {
                return;
            }
            // Before the old one is replaced: without room for it there is no new one.
            if self.old_work.reserve(1, GFP_KERNEL).is_err() {
                return;
            }
            if let Ok(work) = TaskWork::add(task, migration.clone(), urgent) {
                if let Some(old) = slot.replace(work) {
                    let _ = self.old_work.push_within_capacity(old);
                }
            }
        });
        self.old_work.retain(|work| !work.cancel());
        if idle {
            tasks::switch_idle(|task| migration.contains(task));
        }
    }

    /// Takes all task work back. Waits for what tasks have in hand.
    fn end(self) {
        let mut work = self.work;
        let mut old = self.old_work;
        loop {
            for slot in work.iter_mut() {
                if slot.as_ref().is_some_and(TaskWork::cancel) {
                    *slot = None;
                }
            }
            old.retain(|work| !work.cancel());
            if old.is_empty() && work.iter().all(Option::is_none) {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        task_work::wait_for_arrived();
    }
}
