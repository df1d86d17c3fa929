// SPDX-License-Identifier: GPL-2.0

//! BPF programs at functions: hearing of those that want to be attached to one, and what their trampolines
//! hide on a stack.
//!
//! `bpf_trampoline_get` is asked for a function's trampoline when a program for it is loaded, before it is
//! attached. [`Watch`] is an ordinary tracer of that: it looks at an argument, and changes nothing.

use super::{
    bindings::{self, private},
    symbols,
};
use core::{cell::UnsafeCell, mem::ManuallyDrop, ptr};
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

/// Whether a frame with this address may go on into a function of the kernel that no address on the stack
/// tells. Any context.
///
/// A trampoline that calls the function itself, because a program runs after it, is jumped to: the call at the
/// function's entry pushes nothing (`bpf_trampoline_use_jmp`). Before that call, in the programs that run
/// first, nothing on the stack is of the function. So every frame in BPF's code counts as one that may do that,
/// unless it is known to be in that call: then the function's frame is on the stack, too, if it is in
/// anything.
///
/// `interrupted`: the address is that of the next instruction, and not a return address.
pub(super) fn may_enter(address: usize, interrupted: bool) -> bool {
    // BPF's code is where modules are, above the image (`arch/x86/mm/init.c`, `execmem_arch_setup`).
    if address.wrapping_neg() > bindings::molt_constants_MODULES_ROOM_ as usize {
        return false;
    }
    // SAFETY: looks it up under RCU, in any context.
    if !unsafe { private::is_bpf_text_address(address) } {
        return false;
    }
    interrupted || !is_behind_the_call(address)
}

/// Whether the instruction before this address, in code of BPF, calls a function behind its ftrace site, as a
/// trampoline calls the function that it is for (`arch/x86/net/bpf_jit_comp.c`).
fn is_behind_the_call(address: usize) -> bool {
    /// `call` with the distance to where it goes.
    const CALL: u8 = 0xe8;
    /// `mov rbx, [rbp + 8]`, but for its first byte, and `call rbx`: when the function is redirected. Then where it
    /// goes is on the stack, as the return address of the trampoline's frame.
    const CALL_FROM_STACK: [u8; 5] = [0x8b, 0x5d, 0x08, 0xff, 0xd3];

    let mut code = [0u8; 5];
    let before = address.wrapping_sub(code.len());
    // SAFETY: copies to valid memory; what cannot be read gives an error.
    let unreadable = unsafe {
        bindings::copy_from_kernel_nofault(
            code.as_mut_ptr().cast(),
            ptr::with_exposed_provenance(before),
            code.len(),
        )
    };
    match code {
        _ if unreadable != 0 => false,
        CALL_FROM_STACK => true,
        [CALL, distance @ ..] => {
            let distance = i32::from_le_bytes(distance) as isize;
            let site = address
                .wrapping_add_signed(distance)
                .wrapping_sub(super::handler::CALL_SIZE);
            // SAFETY: looks it up among ftrace's records; the range has this address only.
            unsafe { private::ftrace_location_range(site, site) == site }
        }
        _ => false,
    }
}
