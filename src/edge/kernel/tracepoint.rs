// SPDX-License-Identifier: GPL-2.0

//! Being called by tracepoints of the kernel, and when a task exits (`sched_process_exit`).
//!
//! C header: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h)

use crate::edge::{
    bindings,
    kernel::{
        symbols,
        tasks::Task, //
    }, //
};
use core::mem::ManuallyDrop;
use kernel::{
    error::to_result,
    ffi,
    prelude::*,
    str::CStr,
    sync::Arc, //
};

/// Wants to hear of every task that exits.
pub(crate) trait ExitListener: Send + Sync + 'static {
    /// `task` is the caller. It has set `PF_EXITING` and is still on the task list. Process
    /// context, but within a read section of the tracepoints' SRCU: must not sleep.
    fn exits(&self, task: Task<'_>);
}

/// A tracepoint of the kernel image.
///
/// # Invariants
///
/// The pointer is a tracepoint, which is static.
#[derive(Clone, Copy)]
pub(in crate::edge) struct Point(*mut bindings::tracepoint);

// SAFETY: a tracepoint synchronises itself.
unsafe impl Send for Point {}
// SAFETY: as above.
unsafe impl Sync for Point {}

/// A function that a tracepoint of the kernel calls. Dropping it ends that, except for calls under
/// way: [`wait_for_probes`].
///
/// # Invariants
///
/// `probe` with `data` is registered at `point`.
pub(in crate::edge) struct Connection {
    point: Point,
    probe: *mut ffi::c_void,
    data: *mut ffi::c_void,
}

// SAFETY: registering and unregistering may be done by any thread.
unsafe impl Send for Connection {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl Sync for Connection {}

impl Connection {
    /// Connects `probe` to the tracepoint. When this returns, every CPU calls it. Process context.
    ///
    /// # Safety
    ///
    /// `probe` must be a function with the prototype of the tracepoint's probes, and may be called
    /// with `data` until [`wait_for_probes`] has returned after the connection was dropped. The
    /// tracepoint must not be one that may fault.
    pub(in crate::edge) unsafe fn new(
        point: Point,
        probe: *mut ffi::c_void,
        data: *mut ffi::c_void,
    ) -> Result<Self> {
        // SAFETY: by the requirement.
        to_result(unsafe { bindings::tracepoint_probe_register(point.0, probe, data) })?;
        // INVARIANT: registered just now.
        Ok(Self { point, probe, data })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: registered by the type invariant.
        unsafe { bindings::tracepoint_probe_unregister(self.point.0, self.probe, self.data) };
    }
}

/// Waits for all calls of probes that are under way. Process context.
pub(in crate::edge) fn wait_for_probes() {
    // SAFETY: SRCU is enough (`tracepoint_synchronize_unregister`), because no connection is to a
    // tracepoint that may fault.
    unsafe { bindings::synchronize_srcu(&raw mut bindings::tracepoint_srcu) };
}

/// A listener that is connected; dropping it waits until it is called no more.
pub(crate) struct ExitProbe<L: ExitListener> {
    connection: ManuallyDrop<Connection>,
    _listener: Arc<L>,
}

impl<L: ExitListener> ExitProbe<L> {
    /// Connects `listener`. Process context.
    pub(crate) fn new(listener: Arc<L>) -> Result<Self> {
        // SAFETY: the probe has the prototype of this tracepoint's probes, and the listener lives
        // until `drop` has waited.
        let connection = unsafe {
            Connection::new(
                Point::find(c"sched_process_exit")?,
                probe::<L> as *mut ffi::c_void,
                Arc::as_ptr(&listener).cast_mut().cast(),
            )
        }?;
        Ok(Self {
            connection: ManuallyDrop::new(connection),
            _listener: listener,
        })
    }
}

impl<L: ExitListener> Drop for ExitProbe<L> {
    fn drop(&mut self) {
        // SAFETY: dropped only here.
        unsafe { ManuallyDrop::drop(&mut self.connection) };
        wait_for_probes();
    }
}

/// # Safety
///
/// Called by `sched_process_exit` with the listener's address as `data`.
unsafe extern "C" fn probe<L: ExitListener>(
    data: *mut ffi::c_void,
    task: *mut bindings::task_struct,
    _group_dead: bool,
) {
    // SAFETY: by the requirement; the task is the caller.
    let (listener, task) = unsafe { (&*data.cast::<L>(), Task::from_raw(task)) };
    listener.exits(task);
}

impl Point {
    /// The one with that name. There are some thousands, so keep what is needed often.
    pub(in crate::edge) fn find(name: &CStr) -> Result<Self> {
        struct Search<'a> {
            name: &'a CStr,
            found: Option<Point>,
        }

        /// # Safety
        ///
        /// `point` must be a tracepoint, `data` a `Search` that nobody else uses during the call.
        unsafe extern "C" fn compare(point: *mut bindings::tracepoint, data: *mut ffi::c_void) {
            // SAFETY: `data` is the `Search` below; tracepoints are static and their names
            // terminated.
            unsafe {
                let search = &mut *data.cast::<Search<'_>>();
                if symbols::is_named((*point).name, search.name) {
                    // INVARIANT: by the requirement.
                    search.found = Some(Point(point));
                }
            }
        }

        let mut search = Search { name, found: None };
        // SAFETY: `compare` takes this `search`, which outlives the call.
        unsafe { bindings::for_each_kernel_tracepoint(Some(compare), (&raw mut search).cast()) };
        search.found.ok_or(ENOENT)
    }
}
