// SPDX-License-Identifier: GPL-2.0

//! Stragglers, followed through the scheduler: one that is switched out clean goes to the new
//! universe, and a task that one of them makes is in the old one, too.

use crate::edge::{
    arch::this_cpu,
    bindings,
    kernel::{
        tasks::Task,
        tracepoint::{
            self,
            Connection,
            Point, //
        }, //
    },
    mechanism::{
        handler,
        migration::Migration, //
    }, //
};
use kernel::{
    ffi,
    prelude::*,
    sync::Arc, //
};

/// The tracepoints that are needed for that.
#[derive(Clone, Copy)]
pub(crate) struct Points {
    switches: Point,
    forks: Point,
}

impl Points {
    /// Process context.
    pub(crate) fn find() -> Result<Self> {
        Ok(Self {
            switches: Point::find(c"sched_switch")?,
            forks: Point::find(c"task_newtask")?,
        })
    }
}

/// What a transition needs as long as it lasts: calls ask for junctions, and stragglers, if there
/// are any, are followed. Dropping it waits for probes under way.
///
/// # Invariants
///
/// The connections call their probes with the address of the migration. The handler attends once
/// for each.
pub(crate) struct Probes {
    connections: Option<(Connection, Connection)>,
    migration: Arc<Migration>,
}

impl Probes {
    /// Of `migration`, from before it begins, as long as nobody stays behind. Process context.
    pub(crate) fn new(migration: Arc<Migration>) -> Self {
        handler::attend();
        // INVARIANT: attended to.
        Self {
            connections: None,
            migration,
        }
    }

    /// Of a migration that may leave tasks behind, which are then followed. Process context.
    pub(crate) fn following(points: Points, migration: Arc<Migration>) -> Result<Self> {
        let data = Arc::as_ptr(&migration).cast_mut().cast();
        // SAFETY: the probes have the prototypes of these tracepoints' probes behind the data
        // pointer; the migration lives until `drop` has waited for them.
        let connections = unsafe {
            let switches = Connection::new(points.switches, switched as *mut ffi::c_void, data)?;
            match Connection::new(points.forks, forked as *mut ffi::c_void, data) {
                Ok(forks) => (switches, forks),
                Err(error) => {
                    drop(switches);
                    tracepoint::wait_for_probes();
                    return Err(error);
                }
            }
        };
        let mut probes = Self::new(migration);
        // INVARIANT: connected just now.
        probes.connections = Some(connections);
        Ok(probes)
    }

    /// The migration.
    pub(crate) fn migration(&self) -> &Arc<Migration> {
        &self.migration
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        handler::dismiss();
        if let Some(connections) = self.connections.take() {
            drop(connections);
            tracepoint::wait_for_probes();
        }
    }
}

/// # Safety
///
/// Called by `sched_switch` with a [`Migration`] as `data`, by the scheduler on the CPU that
/// switches, with interrupts off, while `prev` is still the calling task.
unsafe extern "C" fn switched(
    data: *mut ffi::c_void,
    _preempt: bool,
    prev: *mut bindings::task_struct,
    _next: *mut bindings::task_struct,
    _prev_state: ffi::c_uint,
) {
    // SAFETY: by the requirement.
    let (migration, prev) = unsafe { (&*data.cast::<Migration>(), Task::from_raw(prev)) };
    migration.try_current(prev);
}

/// # Safety
///
/// Called by `task_newtask` with a [`Migration`] as `data`, by the task that makes `child`, which
/// has not run yet.
unsafe extern "C" fn forked(
    data: *mut ffi::c_void,
    child: *mut bindings::task_struct,
    _clone_flags: u64,
) {
    // SAFETY: by the requirement.
    let (migration, child) = unsafe { (&*data.cast::<Migration>(), Task::from_raw(child)) };
    if !migration.is_begun() || !migration.holds(this_cpu::task()) {
        return;
    }
    // Without room it begins in the new universe: it has nothing on its stack.
    migration.add(child);
    if !migration.holds(this_cpu::task()) {
        // Preempted in between, this task was found outside, and perhaps the last: then the
        // transition may be complete. If it has not left by now, it was not complete when the child
        // was noted.
        migration.remove(child);
    }
}
