// SPDX-License-Identifier: GPL-2.0

//! Holding all CPUs: `stop_machine`.
//!
//! C header: [`include/linux/stop_machine.h`](srctree/include/linux/stop_machine.h)

use crate::edge::{
    bindings,
    kernel::clock, //
};
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    ffi,
    prelude::*,
    types::NotThreadSafe, //
};

/// Proof that all CPUs are held.
///
/// # Invariants
///
/// Exists only inside a `stop_machine` callback: every online CPU runs its stopper thread with
/// interrupts off, CPU hotplug is locked, and nothing but this callback and NMIs executes. Hence
/// every other task is switched out, its stack does not change, and the task list is consistent
/// without its lock: a writer holds it with interrupts off, so none is half way.
pub(crate) struct Stopped<'a> {
    /// When the last CPU was held, in nanoseconds of the monotonic clock.
    since: u64,
    _held: PhantomData<&'a mut ()>,
    _here: NotThreadSafe,
}

impl Stopped<'_> {
    /// For how many nanoseconds the CPUs have been held.
    pub(crate) fn nanoseconds(&self) -> u64 {
        clock::now().wrapping_sub(self.since)
    }
}

/// What the callback gets through C, and gives back.
struct Call<F, R> {
    function: Option<F>,
    result: Option<(R, u64)>,
}

/// Runs `function` while all CPUs are held; process context, sleeps.
///
/// `function` must neither allocate, lock, print nor sleep, and should take microseconds. Also
/// returns how many nanoseconds it ran: the time from the moment that the last CPU is held to the
/// moment that they are let go. Gathering the CPUs before and releasing them after is not in it.
///
/// # Errors
///
/// `ENOMEM` and what else `stop_machine` returns; `function` did not run then.
pub(crate) fn stop_machine<R, F>(function: F) -> Result<(R, u64)>
where
    R: Send,
    F: FnOnce(&Stopped<'_>) -> R + Send,
{
    /// # Safety
    ///
    /// `data` must be a `Call<F, R>` that nobody else uses during the call.
    unsafe extern "C" fn run<R, F: FnOnce(&Stopped<'_>) -> R>(
        data: *mut ffi::c_void,
    ) -> ffi::c_int {
        // SAFETY: `data` is the `Call<F, R>` given to `stop_machine` below. Its owner sleeps until
        // this has returned, and only one CPU runs the callback, so the access is exclusive.
        let call = unsafe { &mut *data.cast::<Call<F, R>>() };
        if let Some(function) = call.function.take() {
            // INVARIANT: this is the callback.
            let stopped = Stopped {
                since: clock::now(),
                _held: PhantomData,
                _here: NotThreadSafe,
            };
            let result = function(&stopped);
            call.result = Some((result, stopped.nanoseconds()));
        }
        0
    }

    let mut call = Call {
        function: Some(function),
        result: None,
    };
    // SAFETY: `run::<R, F>` takes exactly this `call`, which lives until `stop_machine` returns.
    // No CPU mask: one CPU runs the callback, all others are held.
    to_result(unsafe {
        bindings::stop_machine(Some(run::<R, F>), (&raw mut call).cast(), core::ptr::null())
    })?;
    call.result.ok_or(EIO)
}
