// SPDX-License-Identifier: GPL-2.0

//! Walking the stack of a task that does not run: reliable to the end, or not at all.
//!
//! The same rules as `arch_stack_walk_reliable` of `arch/x86/kernel/stacktrace.c`, rebuilt from the
//! exported unwinder because that function is not exported. No depth cap.
//!
//! C header: [`arch/x86/include/asm/unwind.h`](srctree/arch/x86/include/asm/unwind.h)

use crate::{
    edge::{
        bindings,
        kernel::{
            bpf,
            tasks::Task, //
        }, //
    },
    pure::ranges::Ranges, //
};
use core::{
    arch::asm,
    mem::MaybeUninit,
    num::NonZeroUsize,
    ptr, //
};

/// What a walk found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Walked to its end; no frame is inside the ranges.
    Clean,
    /// The frame nearest to the top that is inside, as an address.
    Inside(NonZeroUsize),
    /// Not walkable to the end, or not telling where the task goes next, so nothing is proved; the
    /// address of the last good frame, or of the one that does not tell.
    Unreliable(Option<NonZeroUsize>),
}

/// Walks the stack of `task` and compares each frame with `ranges`. Any context; does not sleep.
///
/// The answer holds for the moment only if the task cannot run meanwhile (in a stop window, or held
/// still). For a task that may run it is a guess: the unwinder stays on the stack's pages whatever
/// happens, but may see a mixture of old and new frames.
pub(crate) fn walk(task: Task<'_>, ranges: Ranges<'_>) -> Finding {
    let Some(stack) = task.pin_stack() else {
        // No stack: a zombie after its last switch. It is inside nothing.
        return Finding::Clean;
    };
    if task.is_kretprobed() && task.is_runnable() {
        // Its return addresses can be recovered only while it sleeps: `rethook_find_ret_addr` gives
        // none for a task that may run, and the walk would end there anyway.
        return Finding::Unreliable(None);
    }
    // SAFETY: a word of a task that is alive: what `get_stack_pointer(task, NULL)` gives for one
    // that is switched out. It may run and be switched meanwhile; then what is found does not
    // count.
    let first_frame = unsafe { ptr::read_volatile(&raw const (*task.as_ptr()).thread.sp) };
    let verdict = walk_from(task, first_frame, ranges);
    drop(stack);
    verdict
}

/// Walks the stack of the calling task, exactly: from the caller's frame on. Not from an
/// interrupt.
pub(crate) fn walk_current(task: Task<'_>, ranges: Ranges<'_>) -> Finding {
    let here: usize;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags)) };
    walk_from(task, here, ranges)
}

/// Walks from the first frame above the address `first_frame`. The stack must not go meanwhile.
fn walk_from(task: Task<'_>, first_frame: usize, ranges: Ranges<'_>) -> Finding {
    let pointer = task.as_ptr();
    let mut state = MaybeUninit::<bindings::unwind_state>::uninit();
    // SAFETY: `task` is alive and its stack stays for the whole walk. A NULL `regs` asks for the
    // saved frame of a task that is switched out, or for the caller's; `__unwind_start` refuses one
    // that runs elsewhere. It initialises all of `state`.
    let state = unsafe {
        bindings::__unwind_start(
            state.as_mut_ptr(),
            pointer,
            core::ptr::null_mut(),
            first_frame as *mut _,
        );
        state.assume_init_mut()
    };
    // When all frames have been seen.
    let mut seen = Finding::Clean;
    let mut last = None;
    loop {
        if state.error {
            break Finding::Unreliable(last);
        }
        if state.stack_info.type_ == bindings::stack_type_STACK_TYPE_UNKNOWN {
            // The end of the stack of a kernel thread, found without an error.
            break seen;
        }
        // SAFETY: entry registers lie on the pinned stack; the low two bits of CS are the
        // privilege level, not 0 for user mode: the end of the stack of a user task.
        if !state.regs.is_null() && unsafe { (*state.regs).__bindgen_anon_1.cs } & 3 != 0 {
            break seen;
        }
        let Some(address) = NonZeroUsize::new(state.ip) else {
            // A call of NULL, which the unwinder would go through.
            break Finding::Unreliable(last);
        };
        if ranges.hold(address.get()) {
            break Finding::Inside(address);
        }
        last = Some(address);
        if seen == Finding::Clean && bpf::may_enter(address.get(), ranges) {
            seen = Finding::Unreliable(Some(address));
        }
        // An address in code that the kernel does not know (a trampoline just removed) is no matter
        // for `unwind_get_return_address` to find out once more: such code has no ORC data, so this
        // step sets the error. SAFETY: `state` was initialised by `__unwind_start` and is not at
        // its end.
        unsafe { bindings::unwind_next_frame(state) };
    }
}
