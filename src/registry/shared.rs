// SPDX-License-Identifier: GPL-2.0

//! What changes, modules that come and go, and the core's own files in sysfs have in common; the
//! order of locks.

use crate::{
    api::consistency::Consistency,
    edge::mechanism::{
        recorder::{
            Recorder,
            Recording, //
        },
        task_probes::Points, //
    },
    error::Refusal,
    patch::Patch,
    registry::Registry,
    stacks::exits::Exits, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        lock::{
            mutex::MutexBackend,
            Guard, //
        },
        Arc,
        Mutex, //
    }, //
};

/// What the core's parts share, and the locks that order them.
///
/// # Locks
///
/// A lock is taken with those above it held, or with none, never the other way round:
///
/// ```text
///   module_notify_list (a module that comes or goes)
///     └─ Shared::registry (the worker; a task that loads or unloads a module)
///          ├─ Shared::loaded
///          │    └─ Patch::status
///          ├─ Transition::checked
///          │    └─ Migration::kept
///          ├─ Transition::probes
///          ├─ Exits::completing (while a grace period of RCU-tasks passes)
///          ├─ Shared::refused, Shared::consistency, Shared::spare: innermost
///          └─ of the kernel: tracepoints_mutex, ftrace's direct_mutex and ftrace_lock,
///             module_mutex, text_mutex, cpus_read_lock; whatever callbacks of patches take
///   Loader::patches (not with the registry)
///     └─ Shared::loaded
///   Exits::memory: a spin lock, innermost
/// ```
///
/// In a stop window none is taken, except that `Exits::memory` is tried; nobody can hold it there.
/// A directory of sysfs is never dropped under a lock: that waits for readers and writers.
#[pin_data]
pub(crate) struct Shared {
    pub(crate) exits: Arc<Exits>,
    #[pin]
    pub(crate) registry: Mutex<Registry>,
    /// For the next change or unload that has to know which tasks run; two at the same time each
    /// have one.
    #[pin]
    spare: Mutex<Option<Recorder>>,
    /// Microseconds for which a stop window may hold the CPUs; 0 is no limit.
    pub(crate) budget_us: Atomic<u32>,
    /// Milliseconds after which tasks are woken that a transition has left behind, again and again;
    /// 0 is never.
    pub(crate) poke_ms: Atomic<u32>,
    /// What a patch has whose author does not choose.
    #[pin]
    pub(crate) consistency: Mutex<Consistency>,
    /// For transitions.
    pub(crate) points: Points,
    /// How many modules that come or go wait for the registry.
    visitors: Atomic<i32>,
    /// Every patch module that is loaded, enabled or not.
    #[pin]
    pub(crate) loaded: Mutex<KVec<Arc<Patch>>>,
    /// The last refusal of any patch, kept here because a patch that failed to load takes its own
    /// directory with it.
    #[pin]
    pub(crate) refused: Mutex<Option<Refusal>>,
}

impl Shared {
    /// Of a core that has no patches yet.
    pub(crate) fn new(exits: Arc<Exits>, budget_us: u32, poke_ms: u32) -> Result<Arc<Self>> {
        let spare = Some(Recorder::new()?);
        let registry = Registry::new()?;
        let points = Points::find()?;
        Arc::pin_init(
            pin_init!(Self {
                exits,
                registry <- new_mutex!(registry),
                spare <- new_mutex!(spare),
                budget_us: Atomic::new(budget_us),
                poke_ms: Atomic::new(poke_ms),
                consistency <- new_mutex!(Consistency::StopMachine),
                points,
                visitors: Atomic::new(0),
                loaded <- new_mutex!(KVec::new()),
                refused <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// Begins to record which tasks run. Process context; sleeps. [`Shared::keep`] what is left of
    /// it.
    pub(crate) fn record(&self) -> Result<Recording> {
        let spare = self.spare.lock().take();
        let recorder = match spare {
            Some(recorder) => recorder,
            None => Recorder::new()?,
        };
        recorder.start()
    }

    /// Keeps a recorder for the next change.
    pub(crate) fn keep(&self, recorder: Recorder) {
        let surplus = self.spare.lock().replace(recorder);
        // Not under the lock: it waits.
        drop(surplus);
    }

    /// Nanoseconds for which a stop window may hold the CPUs; 0 is no limit.
    pub(crate) fn budget_ns(&self) -> u64 {
        u64::from(self.budget_us.load(Relaxed)) * 1000
    }

    /// Keeps why something that was asked of `patch` is not done. Returns the errno for the
    /// requester.
    pub(crate) fn refuse(&self, patch: &Patch, refusal: Refusal) -> Error {
        patch.status.lock().refuse(&refusal);
        let errno = refusal.errno();
        *self.refused.lock() = Some(refusal);
        errno
    }

    /// The registry, for a module that comes or goes: a change that is blocked gives way.
    pub(crate) fn visit(&self) -> Guard<'_, Registry, MutexBackend> {
        self.visitors.add(1, Relaxed);
        let registry = self.registry.lock();
        self.visitors.add(-1, Relaxed);
        registry
    }

    /// Whether a module that comes or goes waits for the registry. It sleeps until the registry is
    /// let go, so nothing is ordered by this.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.visitors.load(Relaxed) > 0
    }
}
