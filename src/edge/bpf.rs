// SPDX-License-Identifier: GPL-2.0

//! Hearing of BPF programs that want to be attached to a function: `bpf_trampoline_get` is asked for the
//! function's trampoline when such a program is loaded, before it is attached.
//!
//! An ordinary tracer of that function: it looks at an argument, and changes nothing.

use super::{bindings, symbols};
use core::{cell::UnsafeCell, mem::ManuallyDrop};
use kernel::{container_of, error::to_result, ffi, prelude::*, sync::Arc};

/// Wants to hear of BPF programs.
pub(crate) trait Listener: Send + Sync + 'static {
    /// A program is being loaded that is for the function at `address`. Process context, but must not
    /// sleep: other tracers may have disabled preemption.
    fn wanted(&self, address: usize);
}

#[repr(C)]
struct Hook<L> {
    ops: UnsafeCell<bindings::ftrace_ops>,
    listener: Arc<L>,
}

/// A listener that is connected; dropping it waits until it is called no more.
///
/// # Invariants
///
/// The ops is registered.
pub(crate) struct Watch<L: Listener>(ManuallyDrop<KBox<Hook<L>>>);

// SAFETY: ftrace serialises what it does with the ops; the listener is `Send + Sync`.
unsafe impl<L: Listener> Send for Watch<L> {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl<L: Listener> Sync for Watch<L> {}

impl<L: Listener> Watch<L> {
    /// Connects `listener`. Process context; sleeps.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the kernel has no BPF trampolines; what ftrace says.
    pub(crate) fn new(listener: Arc<L>) -> Result<Self> {
        let mut address = None;
        let name = c"bpf_trampoline_get";
        symbols::for_each_named(symbols::Table::Vmlinux, name, &[c""], |_, found| {
            address = Some(found);
        })?;
        let address = address.ok_or(ENOENT)?;
        let ops = bindings::ftrace_ops {
            func: Some(called::<L>),
            ..Default::default()
        };
        let ops = UnsafeCell::new(ops);
        let hook = KBox::new(Hook { ops, listener }, GFP_KERNEL)?;
        let ops = hook.ops.get();
        // SAFETY: the ops stays where it is, in its box, until it has been unregistered, and `called` is a
        // handler for an ops that is the first field of a `Hook<L>`.
        let watched = to_result(unsafe { bindings::ftrace_set_filter_ip(ops, address, 0, 0) })
            .and_then(|()| {
                // SAFETY: as above.
                to_result(unsafe { bindings::register_ftrace_function(ops) })
            });
        if let Err(error) = watched {
            // SAFETY: not registered, so nobody else uses the filter.
            unsafe { bindings::ftrace_free_filter(ops) };
            return Err(error);
        }
        // INVARIANT: registered just now.
        Ok(Self(ManuallyDrop::new(hook)))
    }
}

impl<L: Listener> Drop for Watch<L> {
    fn drop(&mut self) {
        let ops = self.0.ops.get();
        // SAFETY: registered by the type invariant. It waits for calls under way.
        if to_result(unsafe { bindings::unregister_ftrace_function(ops) }).is_err() {
            // ftrace has switched itself off and goes on calling the handler.
            super::modules::keep_core();
            return;
        }
        // SAFETY: not registered any more, and dropped only here.
        unsafe {
            bindings::ftrace_free_filter(ops);
            ManuallyDrop::drop(&mut self.0);
        }
    }
}

/// # Safety
///
/// Called by ftrace at the entry of `bpf_trampoline_get(key, target)`, with an `ops` that is the first
/// field of a [`Hook<L>`].
unsafe extern "C" fn called<L: Listener>(
    _ip: ffi::c_ulong,
    _parent_ip: ffi::c_ulong,
    ops: *mut bindings::ftrace_ops,
    fregs: *mut bindings::ftrace_regs,
) {
    // SAFETY: by the requirement. `struct ftrace_regs` begins with a `pt_regs` on x86, which has the
    // arguments; the second is a `struct bpf_attach_target_info` of the caller's.
    unsafe {
        let hook = &*container_of!(ops.cast::<UnsafeCell<bindings::ftrace_ops>>(), Hook<L>, ops);
        let target = (*fregs.cast::<bindings::pt_regs>()).si as *const u8;
        let address = target.add(bindings::molt_constants_BPF_TARGET_ADDRESS_ as usize);
        hook.listener.wanted(address.cast::<usize>().read());
    }
}
