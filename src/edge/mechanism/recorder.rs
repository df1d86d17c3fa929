// SPDX-License-Identifier: GPL-2.0

//! Which tasks run: each that is switched away from is recorded per CPU by the tracepoint
//! `sched_switch`.
//!
//! The record is complete: a task that ran on a CPU while it is made, and does not run now, was
//! switched away from on that CPU. It takes no lock and allocates nothing.

use crate::edge::{
    arch::this_cpu,
    bindings,
    kernel::{
        stop::Stopped,
        tasks::{
            Task,
            TaskRef, //
        },
        tracepoint::{
            self,
            Connection,
            Point, //
        }, //
    },
    mechanism::task_queue::TaskQueue, //
};
use core::{
    ops::ControlFlow,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    ffi,
    prelude::*, //
};

/// Memory for a record, which may be used for one after the other.
pub(crate) struct Recorder {
    record: KBox<Record>,
    /// For the user of the record: memory that a change need not wait for.
    suspects: TaskQueue,
    switches: Point,
}

/// What the probe writes to.
struct Record {
    /// By number of the CPU. Each pushes to its own, with interrupts off.
    cpus: KVec<TaskQueue>,
    /// A task was not recorded for want of room.
    overflowed: AtomicBool,
}

/// A record that is being made.
///
/// # Invariants
///
/// `connection` calls [`switched`] with the address of the recorder's record.
pub(crate) struct Recording {
    // First, because fields are dropped in this order.
    connection: Connection,
    recorder: Recorder,
}

impl Recorder {
    /// 10 KiB for each CPU, and once more. Process context.
    pub(crate) fn new() -> Result<Self> {
        let count = bindings::possible_cpus();
        let mut cpus = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            cpus.push(TaskQueue::new()?, GFP_KERNEL)?;
        }
        let overflowed = AtomicBool::new(false);
        Ok(Self {
            record: KBox::new(Record { cpus, overflowed }, GFP_KERNEL)?,
            suspects: TaskQueue::new()?,
            switches: Point::find(c"sched_switch")?,
        })
    }

    /// Begins to record. When this returns, every CPU records all switches that it begins. Process
    /// context; sleeps.
    pub(crate) fn start(self) -> Result<Recording> {
        let record: *const Record = &*self.record;
        // SAFETY: `switched` has the prototype of this tracepoint's probes behind the data pointer.
        // The record stays where it is until `Recorder::drop`, which waits for calls under way.
        let connection = unsafe {
            Connection::new(
                self.switches,
                switched as *mut ffi::c_void,
                record.cast_mut().cast(),
            )
        }?;
        // INVARIANT: connected just now.
        Ok(Recording {
            connection,
            recorder: self,
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Not connected any more, but a call that began before may be under way.
        tracepoint::wait_for_probes();
    }
}

impl Recording {
    /// Forgets all that has been recorded.
    pub(crate) fn restart(&self) {
        let record = &self.recorder.record;
        // First: what overflows from here on is missing in the new record.
        record.overflowed.store(false, Ordering::SeqCst);
        record.cpus.iter().for_each(TaskQueue::clear);
    }

    /// Where to keep tasks for a second look, for the caller that restarted it.
    pub(crate) fn suspects(&self) -> &TaskQueue {
        &self.recorder.suspects
    }

    /// Takes all recorded tasks out. For the caller that restarted it.
    pub(crate) fn take(&self, mut visit: impl FnMut(TaskRef)) {
        for cpu in &self.recorder.record.cpus {
            // Not until it is empty: it fills while we look.
            for _ in 0..cpu.len() {
                cpu.pop().into_iter().for_each(&mut visit);
            }
        }
    }

    /// Visits all recorded tasks, some of them more than once, until it breaks off.
    pub(crate) fn for_each_stopped(
        &self,
        stopped: &Stopped<'_>,
        mut visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut cpus = self.recorder.record.cpus.iter();
        cpus.try_for_each(|cpu| cpu.for_each_stopped(stopped, &mut visit))
    }

    /// Whether somebody was not recorded since the last restart. Exact while all CPUs are held.
    pub(crate) fn has_overflowed(&self) -> bool {
        self.recorder.record.overflowed.load(Ordering::Relaxed)
    }

    /// Ends it, for the next. Tasks are let go, but for some that are recorded at this moment: they
    /// are when the next begins.
    pub(crate) fn stop(self) -> Recorder {
        drop(self.connection);
        self.recorder.suspects.clear();
        self.recorder.record.cpus.iter().for_each(TaskQueue::clear);
        self.recorder
    }
}

/// # Safety
///
/// Called by `sched_switch` with a [`Record`] as `data`: by the scheduler, on the CPU that
/// switches, with interrupts off, while `prev` is still the current task.
unsafe extern "C" fn switched(
    data: *mut ffi::c_void,
    _preempt: bool,
    prev: *mut bindings::task_struct,
    _next: *mut bindings::task_struct,
    _prev_state: ffi::c_uint,
) {
    // SAFETY: by the requirement; the record outlives the connection and calls under way.
    let (record, prev) = unsafe { (&*data.cast::<Record>(), Task::from_raw(prev)) };
    let recorded = match record.cpus.get(this_cpu::number()) {
        Some(queue) => queue.push(prev),
        None => false,
    };
    if !recorded {
        record.overflowed.store(true, Ordering::Relaxed);
    }
}
