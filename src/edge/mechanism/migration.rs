// SPDX-License-Identifier: GPL-2.0

//! The two universes of a transition: when the new one began, and which tasks are still in the old
//! one.

use crate::{
    edge::{
        arch::stack::{
            self,
            Finding, //
        },
        bindings,
        kernel::{
            stop::Stopped,
            tasks::{
                Task,
                TaskRef, //
            }, //
        }, //
    },
    pure::{
        gate::{
            Gate,
            Side,
            View, //
        },
        member_set::{
            Joined,
            MemberSet, //
        },
        ranges::{
            Range,
            Ranges, //
        }, //
    }, //
};
use core::{
    mem,
    num::NonZeroUsize,
    ptr,
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        AtomicUsize,
        Ordering, //
    }, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

/// The old and the new universe of one transition, and the tasks that are still in the old one.
///
/// # Invariants
///
/// `ranges` points to the last of `kept`.
#[pin_data]
pub(crate) struct Migration {
    /// Opened and flipped once, when the new universe begins.
    pub(in crate::edge) gate: Gate,
    /// The stragglers.
    stragglers: TaskSet,
    /// One of them found no room.
    full: AtomicBool,
    /// Where a task may not be that goes from the old universe to the new.
    ranges: AtomicPtr<Sorted>,
    /// That, and what has been it before. Locked also while references of the set are followed.
    #[pin]
    kept: Mutex<KVec<KBox<Sorted>>>,
}

/// A set of tasks.
///
/// # Invariants
///
/// Each value in it, left or not, is the address of a task of which it holds one reference.
struct TaskSet(MemberSet<KVVec<AtomicUsize>>);

impl TaskSet {
    /// Lets go of tasks that have left. Process context; their references may not be followed
    /// meanwhile.
    fn sweep(&self) {
        self.0.sweep(|address| {
            // SAFETY: by the type invariant the set's reference is given away with its value.
            drop(unsafe { TaskRef::from_raw(address.get() as *mut bindings::task_struct) });
        });
    }
}

impl Drop for TaskSet {
    fn drop(&mut self) {
        self.0.for_each(|_, address| {
            self.0.leave(address);
        });
        self.sweep();
    }
}

/// Ranges that are sorted.
struct Sorted {
    memory: KVec<Range>,
    count: usize,
}

impl Sorted {
    fn new(ranges: &[Range]) -> Result<KBox<Self>> {
        let mut memory = KVec::with_capacity(ranges.len(), GFP_KERNEL)?;
        memory.extend_from_slice(ranges, GFP_KERNEL)?;
        let count = Ranges::new(&mut memory).len();
        Ok(KBox::new(Self { memory, count }, GFP_KERNEL)?)
    }

    fn ranges(&self) -> Ranges<'_> {
        Ranges::sorted(self.memory.get(..self.count).unwrap_or_default())
    }
}

impl Migration {
    /// One that has not begun, with room for half as many stragglers as `slots`, a power of two.
    /// Process context.
    pub(crate) fn new(slots: usize, ranges: &[Range]) -> Result<Arc<Self>> {
        let mut room = KVVec::with_capacity(slots, GFP_KERNEL)?;
        for _ in 0..slots {
            room.push(AtomicUsize::new(0), GFP_KERNEL)?;
        }
        // INVARIANT: nobody is in it.
        let stragglers = TaskSet(MemberSet::new(room).ok_or(EINVAL)?);
        let sorted = Sorted::new(ranges)?;
        let at = ptr::from_ref(&*sorted).cast_mut();
        let mut kept = KVec::with_capacity(1, GFP_KERNEL)?;
        kept.push(sorted, GFP_KERNEL)?;
        // INVARIANT: pushed just now.
        Arc::pin_init(
            pin_init!(Self {
                gate: Gate::new(),
                stragglers,
                full: AtomicBool::new(false),
                ranges: AtomicPtr::new(at),
                kept <- new_mutex!(kept),
            }),
            GFP_KERNEL,
        )
    }

    /// Whether the new universe has begun, by what the gate says.
    pub(in crate::edge) fn has_begun(view: View) -> bool {
        view.side() != Side::FIRST
    }

    /// Whether the new universe has begun. Any context.
    pub(crate) fn is_begun(&self) -> bool {
        Self::has_begun(self.gate.read())
    }

    /// Whether the task at this address is in the old universe. Any context.
    pub(in crate::edge) fn holds(&self, task: usize) -> bool {
        NonZeroUsize::new(task).is_some_and(|task| self.stragglers.0.holds(task))
    }

    /// Whether `task` is in the old universe. Any context; stays true or false while `task` does
    /// not run.
    pub(crate) fn contains(&self, task: Task<'_>) -> bool {
        self.holds(task.id())
    }

    /// `task` stays behind. False when there is no room. Any context but NMI, the stop window
    /// included; for a caller that decides alone about this task.
    pub(crate) fn add(&self, task: Task<'_>) -> bool {
        let Some(address) = NonZeroUsize::new(task.id()) else {
            return true;
        };
        // INVARIANT: a new value comes with a reference, one that was in the set has one.
        if self.stragglers.0.holds(address) {
            return true;
        }
        let reference = task.reference();
        match self.stragglers.0.join(address) {
            Joined::New => mem::forget(reference),
            // Not the last reference: the task is alive for the caller.
            Joined::Known => drop(reference),
            Joined::Full => {
                drop(reference);
                self.full.store(true, Ordering::Relaxed);
                return false;
            }
        }
        true
    }

    /// `task` does not stay behind, or no longer. Returns whether it did. Any context but NMI; for
    /// a caller that decides alone about it.
    pub(crate) fn remove(&self, task: Task<'_>) -> bool {
        // INVARIANT: it keeps its reference until it is swept.
        NonZeroUsize::new(task.id()).is_some_and(|address| self.stragglers.0.leave(address))
    }

    /// Whether somebody was to stay behind and found no room.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// How many are in the old universe.
    pub(crate) fn remaining(&self) -> usize {
        self.stragglers.0.len()
    }

    /// NMI handlers that meet a junction veto from here on. Before CPUs are stopped. `follows`:
    /// tracepoints are connected for tasks that may stay behind.
    pub(crate) fn open(&self, follows: bool) -> StartWindow<'_> {
        self.gate.open();
        StartWindow {
            migration: self,
            follows,
        }
    }

    /// Where a task may not be that goes to the new universe. Valid as long as the migration.
    pub(crate) fn ranges(&self) -> Ranges<'_> {
        // SAFETY: by the type invariant; what is kept stays as long as `self`. Acquire: partner of
        // the release in `set_ranges`.
        unsafe { (*self.ranges.load(Ordering::Acquire)).ranges() }
    }

    /// Exchanges the ranges: for functions that nobody can have been in yet, or can be in any more.
    /// Process context.
    pub(crate) fn set_ranges(&self, ranges: &[Range]) -> Result {
        let sorted = Sorted::new(ranges)?;
        let at = ptr::from_ref(&*sorted).cast_mut();
        let mut kept = self.kept.lock();
        kept.push(sorted, GFP_KERNEL)?;
        // INVARIANT: pushed just now.
        self.ranges.store(at, Ordering::Release);
        Ok(())
    }

    /// The calling task goes to the new universe, if it is nowhere in the old. Any context in which
    /// it is on its own stack and cannot be migrated by another: it runs.
    pub(in crate::edge) fn try_current(&self, task: Task<'_>) {
        if self.is_begun()
            && self.holds(task.id())
            && stack::walk_current(task, self.ranges()) == Finding::Clean
        {
            self.remove(task);
        }
    }

    /// Lets go of tasks that have left. Process context.
    pub(crate) fn sweep(&self) {
        let _kept = self.kept.lock();
        self.stragglers.sweep();
    }

    /// Visits all tasks in the old universe, each with a number that it keeps. Process context;
    /// `visit` may sleep.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, Task<'_>)) {
        // Nobody is swept meanwhile.
        let _kept = self.kept.lock();
        self.stragglers.0.for_each(|number, address| {
            // SAFETY: by the type invariant there is a reference.
            visit(number, unsafe { Task::from_raw(address.get() as *mut _) });
        });
    }

    /// How many numbers [`Migration::for_each`] gives at the most.
    pub(crate) fn numbers(&self) -> usize {
        self.stragglers.0.slots()
    }

    /// All are in the new universe, wherever they are. Returns how many were not. Process context.
    pub(crate) fn force(&self) -> usize {
        let mut released = 0usize;
        self.for_each(|_, task| {
            released = released.wrapping_add(usize::from(self.remove(task)));
        });
        released
    }
}

/// An open stop window: NMI handlers that use a function of the transition veto it.
pub(crate) struct StartWindow<'a> {
    migration: &'a Migration,
    follows: bool,
}

impl StartWindow<'_> {
    /// The new universe begins, for all tasks but stragglers. False after a veto, and when there
    /// are stragglers that are not followed: nothing has changed.
    pub(crate) fn flip(&self, _: &Stopped<'_>) -> bool {
        // While all CPUs are held only the verdict can have made somebody stay, before this.
        (self.follows || self.migration.remaining() == 0) && self.migration.gate.flip()
    }
}

impl Drop for StartWindow<'_> {
    fn drop(&mut self) {
        self.migration.gate.close();
    }
}
