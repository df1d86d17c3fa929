// SPDX-License-Identifier: GPL-2.0

//! BPF programs at functions: hearing of those that want to be attached to one, and what their
//! trampolines hide on a stack.
//!
//! `bpf_trampoline_get` is asked for a function's trampoline when a program for it is loaded,
//! before it is attached. [`BpfProbe`] is an ordinary tracer of that: it looks at an argument, and
//! changes nothing.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::{
    edge::{
        arch::{
            call,
            handler, //
        },
        bindings::{
            self,
            private, //
        },
        kernel::symbols, //
    },
    pure::{
        address::FunctionAddress,
        ranges::Ranges, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    container_of,
    error::to_result,
    ffi,
    prelude::*,
    sync::Arc, //
};

/// Wants to hear of BPF programs.
pub(crate) trait ProgramListener: Send + Sync + 'static {
    /// A program is being loaded that is for the function at `address`. Process context, but must
    /// not sleep: other tracers may have disabled preemption.
    fn wanted(&self, address: FunctionAddress);
}

#[repr(C)]
struct ProbeOps<L> {
    ops: UnsafeCell<bindings::ftrace_ops>,
    listener: Arc<L>,
}

/// A listener that is connected; dropping it waits until it is called no more.
///
/// # Invariants
///
/// The ops is registered.
pub(crate) struct BpfProbe<L: ProgramListener>(ManuallyDrop<KBox<ProbeOps<L>>>);

// SAFETY: ftrace serialises what it does with the ops; the listener is `Send + Sync`.
unsafe impl<L: ProgramListener> Send for BpfProbe<L> {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl<L: ProgramListener> Sync for BpfProbe<L> {}

impl<L: ProgramListener> BpfProbe<L> {
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
        let hook = KBox::new(ProbeOps { ops, listener }, GFP_KERNEL)?;
        let ops = hook.ops.get();
        // SAFETY: the ops stays where it is, in its box, until it has been unregistered, and
        // `called` is a handler for an ops that is the first field of a `ProbeOps<L>`.
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

impl<L: ProgramListener> Drop for BpfProbe<L> {
    fn drop(&mut self) {
        let ops = self.0.ops.get();
        // SAFETY: registered by the type invariant. It waits for calls under way.
        if to_result(unsafe { bindings::unregister_ftrace_function(ops) }).is_err() {
            // ftrace has switched itself off and goes on calling the handler.
            crate::edge::kernel::modules::keep_core();
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
/// Called by ftrace at the entry of `bpf_trampoline_get(key, target)`, with an `ops` that is the
/// first field of a [`ProbeOps<L>`].
unsafe extern "C" fn called<L: ProgramListener>(
    _ip: ffi::c_ulong,
    _parent_ip: ffi::c_ulong,
    ops: *mut bindings::ftrace_ops,
    fregs: *mut bindings::ftrace_regs,
) {
    // SAFETY: by the requirement. `struct ftrace_regs` begins with a `pt_regs` on x86, which has
    // the arguments; the second is a `struct bpf_attach_target_info` of the caller's.
    unsafe {
        let hook = &*container_of!(
            ops.cast::<UnsafeCell<bindings::ftrace_ops>>(),
            ProbeOps<L>,
            ops
        );
        let target = handler::second_argument(fregs) as *const u8;
        let address = target.add(bindings::molt_constants_BPF_TARGET_ADDRESS_ as usize);
        let address = address.cast::<usize>().read();
        hook.listener.wanted(FunctionAddress(address));
    }
}

/// Whether a frame with this address may go on into one of the `ranges` although no address on its
/// stack is in them. Any context.
///
/// A trampoline that calls the function itself, because a program runs after it, is jumped to: the
/// call at the function's entry pushes nothing (`bpf_trampoline_use_jmp`). Before that call, in the
/// programs that run first, nothing on the stack is of the function. But the call is in the
/// trampoline's code, which has no way back (`arch/x86/net/bpf_jit_comp.c`): it is made yet if it
/// stands behind the frame's address. It goes behind the function's ftrace site, which is in the
/// ranges of all changes. (While the function is redirected, the trampoline calls what the stack
/// says.) A trampoline is not larger than a page (`bpf_trampoline_update`); what is larger is a
/// program, which calls functions at their entry, as everybody does.
pub(in crate::edge) fn may_enter(address: usize, ranges: Ranges<'_>) -> bool {
    // BPF's code is where modules are, above the image (`arch/x86/mm/init.c`,
    // `execmem_arch_setup`).
    if address.wrapping_neg() > bindings::molt_constants_MODULES_ROOM_ as usize {
        return false;
    }
    // SAFETY: looks it up under RCU, in any context.
    if !unsafe { private::is_bpf_text_address(address) } {
        return false;
    }
    let Some(code) = symbols::code_at(address) else {
        // Where it is not known, all may come.
        return true;
    };
    code.end.saturating_sub(code.start) <= bindings::PAGE_SIZE && calls(address, code.end, ranges)
}

/// Whether there is a call into one of the ranges in the code between these addresses, or what
/// looks like one.
fn calls(mut at: usize, end: usize, ranges: Ranges<'_>) -> bool {
    let mut code = [0u8; 64];
    while at < end {
        let code = match code.get_mut(..end.wrapping_sub(at)) {
            Some(rest) => rest,
            None => &mut code[..],
        };
        // SAFETY: copies to valid memory; what cannot be read gives an error.
        let unreadable = unsafe {
            bindings::copy_from_kernel_nofault(
                code.as_mut_ptr().cast(),
                ptr::with_exposed_provenance(at),
                code.len(),
            )
        };
        if unreadable != 0 || call::targets(at, code).any(|target| ranges.hold(target)) {
            return true;
        }
        // Whatever does not fit into this piece is in the next one.
        let step = code.len().saturating_sub(call::overlap());
        at = match step {
            0 => end,
            step => at.wrapping_add(step),
        };
    }
    false
}
