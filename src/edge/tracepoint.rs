// SPDX-License-Identifier: GPL-2.0

//! Being called when a task exits: the tracepoint `sched_process_exit`.

use super::{bindings, tasks::Task};
use kernel::{error::to_result, ffi, prelude::*, str::CStr, sync::Arc};

/// Wants to hear of every task that exits.
pub(crate) trait Listener: Send + Sync + 'static {
    /// `task` is the caller. It has set `PF_EXITING` and is still on the task list. Process context,
    /// but within a read section of the tracepoints' SRCU: must not sleep.
    fn exits(&self, task: Task<'_>);
}

/// A listener that is connected; dropping it waits until it is called no more.
///
/// # Invariants
///
/// `probe::<L>` with the listener's address is registered at `point`.
pub(crate) struct Probe<L: Listener> {
    point: *mut bindings::tracepoint,
    listener: Arc<L>,
}

// SAFETY: registering and unregistering may be done by any thread; the listener is `Send + Sync`.
unsafe impl<L: Listener> Send for Probe<L> {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl<L: Listener> Sync for Probe<L> {}

impl<L: Listener> Probe<L> {
    /// Connects `listener`. Process context.
    pub(crate) fn new(listener: Arc<L>) -> Result<Self> {
        let point = find(c"sched_process_exit").ok_or(ENOENT)?;
        // SAFETY: the probe has the prototype of this tracepoint behind the data pointer, and the
        // listener lives until it has been unregistered.
        to_result(unsafe {
            bindings::tracepoint_probe_register(
                point,
                probe::<L> as *mut ffi::c_void,
                Arc::as_ptr(&listener).cast_mut().cast(),
            )
        })?;
        // INVARIANT: registered just now.
        Ok(Self { point, listener })
    }
}

impl<L: Listener> Drop for Probe<L> {
    fn drop(&mut self) {
        // SAFETY: registered by the type invariant. The grace period waits for calls under way: the
        // tracepoint is not one of those that may fault, so SRCU is enough
        // (`tracepoint_synchronize_unregister`).
        unsafe {
            bindings::tracepoint_probe_unregister(
                self.point,
                probe::<L> as *mut ffi::c_void,
                Arc::as_ptr(&self.listener).cast_mut().cast(),
            );
            bindings::synchronize_srcu(&raw mut bindings::tracepoint_srcu);
        }
    }
}

/// # Safety
///
/// Called by `sched_process_exit` with the listener's address as `data`.
unsafe extern "C" fn probe<L: Listener>(
    data: *mut ffi::c_void,
    task: *mut bindings::task_struct,
    _group_dead: bool,
) {
    // SAFETY: by the requirement; the task is the caller.
    let (listener, task) = unsafe { (&*data.cast::<L>(), Task::from_raw(task)) };
    listener.exits(task);
}

/// Finds a tracepoint of the kernel image by name.
fn find(name: &CStr) -> Option<*mut bindings::tracepoint> {
    struct Search<'a> {
        name: &'a CStr,
        found: Option<*mut bindings::tracepoint>,
    }

    /// # Safety
    ///
    /// `point` must be a tracepoint, `data` a `Search` that nobody else uses during the call.
    unsafe extern "C" fn compare(point: *mut bindings::tracepoint, data: *mut ffi::c_void) {
        // SAFETY: `data` is the `Search` below; tracepoints are static and their names terminated.
        unsafe {
            let search = &mut *data.cast::<Search<'_>>();
            if CStr::from_char_ptr((*point).name) == search.name {
                search.found = Some(point);
            }
        }
    }

    let mut search = Search { name, found: None };
    // SAFETY: `compare` takes this `search`, which outlives the call.
    unsafe { bindings::for_each_kernel_tracepoint(Some(compare), (&raw mut search).cast()) };
    search.found
}
