// SPDX-License-Identifier: GPL-2.0

//! Redirecting calls of one function through ftrace.

use super::{bindings, modules, stop::Stopped};
use crate::gate::Gate;
use core::{
    arch::asm,
    cell::UnsafeCell,
    mem::ManuallyDrop,
    sync::atomic::{AtomicUsize, Ordering},
};
use kernel::{container_of, error::to_result, ffi, prelude::*};

/// Length in bytes of the call at a site; it pushes `site + CALL_SIZE` as return address.
pub(crate) const CALL_SIZE: usize = 5;

static GATE: Gate = Gate::new();

/// What ftrace points to; never moves while armed.
#[repr(C)]
struct Hook {
    ops: UnsafeCell<bindings::ftrace_ops>,
    /// Where calls go, by side of the gate; 0 lets them pass to the function itself.
    targets: [AtomicUsize; 2],
}

/// One function's ftrace site, armed.
///
/// # Invariants
///
/// `hook` is registered with ftrace, alone on its site among those that change the instruction
/// pointer, from construction to drop.
pub(crate) struct Redirect {
    hook: ManuallyDrop<KBox<Hook>>,
}

// SAFETY: ftrace serialises what it does with the ops; the targets are atomics.
unsafe impl Send for Redirect {}
// SAFETY: as above.
unsafe impl Sync for Redirect {}

impl Redirect {
    /// Arms the site at `site`: from now on every call passes the handler, which lets it through.
    /// Process context; sleeps.
    ///
    /// # Errors
    ///
    /// `EBUSY` when another user may change the function's instruction pointer (mainline livepatch,
    /// a kprobe with a post handler) or calls it directly and will not share; `EAGAIN` from BPF,
    /// whose trampoline is locked at the moment: let go of all sites and try again; `EINVAL` when
    /// `site` is none; `ENOMEM`; `ENODEV` when ftrace is disabled.
    pub(crate) fn arm(site: usize) -> Result<Self> {
        let ops = bindings::ftrace_ops {
            func: Some(redirect),
            // IPMODIFY: BPF trampolines then call the function through us instead of around us.
            // PERMANENT: `sysctl kernel.ftrace_enabled=0` must not switch a fix off.
            flags: (bindings::FTRACE_OPS_FL_IPMODIFY | bindings::FTRACE_OPS_FL_PERMANENT)
                as ffi::c_ulong,
            ..Default::default()
        };
        let hook = KBox::new(
            Hook {
                ops: UnsafeCell::new(ops),
                targets: [AtomicUsize::new(0), AtomicUsize::new(0)],
            },
            GFP_KERNEL,
        )?;
        let ops = hook.ops.get();
        // SAFETY: `ops` stays where it is, in its box, until it has been unregistered.
        let set = unsafe { bindings::ftrace_set_filter_ip(ops, site, 0, 0) };
        let armed = to_result(set).and_then(|()| {
            // SAFETY: as above; `redirect` is a handler for an ops that is the first field of a
            // `Hook`.
            to_result(unsafe { bindings::register_ftrace_function(ops) })
        });
        if let Err(error) = armed {
            // SAFETY: not registered, so nobody else uses the filter.
            unsafe { bindings::ftrace_free_filter(ops) };
            return Err(error);
        }
        // INVARIANT: registered just now.
        Ok(Self {
            hook: ManuallyDrop::new(hook),
        })
    }

    /// Where calls go now; 0 for the function itself.
    pub(crate) fn target(&self) -> usize {
        self.hook.targets[GATE.read().side()].load(Ordering::Relaxed)
    }

    /// Prepares `target` for the next flip.
    ///
    /// A handler that read the gate before an earlier flip may read this side now; its second look at
    /// the gate tells it. Release: partner of the acquire with which it reads the target, so that who
    /// sees a staged target also sees the flip that made its side dead.
    pub(crate) fn stage(&self, target: usize) {
        self.hook.targets[GATE.read().side() ^ 1].store(target, Ordering::Release);
    }

    /// Sends calls to `target` from now on, without a flip: for a function that nobody can be in or
    /// call yet, because its module has not run. No change may be under way.
    pub(crate) fn set(&self, target: usize) {
        for side in &self.hook.targets {
            side.store(target, Ordering::Release);
        }
    }

    /// Makes both sides equal to the live one: after a flip, or instead of one.
    pub(crate) fn settle(&self) {
        self.stage(self.target());
    }
}

impl Drop for Redirect {
    fn drop(&mut self) {
        let ops = self.hook.ops.get();
        // SAFETY: registered by the type invariant. When it succeeds, it returns after nobody is in
        // the trampoline or the handler any more (rude and voluntary RCU-tasks grace periods).
        let result = to_result(unsafe { bindings::unregister_ftrace_function(ops) });
        if let Err(error) = result {
            // ftrace has switched itself off after an internal error and goes on calling the handler,
            // which passes calls on. So hook and handler have to stay.
            pr_err!("a function cannot be disarmed: {error:?}; the core stays loaded\n");
            modules::keep_core();
            return;
        }
        // SAFETY: no longer registered, and dropped only here.
        unsafe {
            bindings::ftrace_free_filter(ops);
            ManuallyDrop::drop(&mut self.hook);
        }
    }
}

/// An open stop window: NMI handlers that use a staged function veto the change.
pub(crate) struct Window(());

impl Window {
    /// Opens it. Before CPUs are stopped, so that each passes from its last unwatched NMI into its
    /// stopper thread, in task context, after the gate is open.
    pub(crate) fn open() -> Self {
        GATE.open();
        Self(())
    }

    /// Switches all staged functions at one instant. False after a veto: nothing has changed.
    pub(crate) fn flip(&self, _: &Stopped<'_>) -> bool {
        GATE.flip()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        GATE.close();
    }
}

/// The handler: a look at one word before and after the target is read, and a store.
///
/// Runs in whatever context the function is called in, NMI included, preemptible or not, RCU
/// watching or not. It takes no lock, calls nothing in the usual case and cannot panic.
///
/// # Safety
///
/// Called by ftrace with an `ops` that is the first field of a [`Hook`], and the registers saved at
/// its site.
unsafe extern "C" fn redirect(
    _ip: ffi::c_ulong,
    _parent_ip: ffi::c_ulong,
    ops: *mut bindings::ftrace_ops,
    fregs: *mut bindings::ftrace_regs,
) {
    // SAFETY: by the requirement; the hook is freed only after a grace period that waits for us.
    let targets = unsafe {
        &(*container_of!(ops.cast::<UnsafeCell<bindings::ftrace_ops>>(), Hook, ops)).targets
    };
    let gate = GATE.read();
    let mut target = targets[gate.side()].load(Ordering::Acquire);
    if gate.is_open() || gate != GATE.read() {
        target = contended(targets);
    }
    if target != 0 {
        // SAFETY: `struct ftrace_regs` begins with a `pt_regs` on x86
        // (`struct __arch_ftrace_regs`), whose `ip` an IPMODIFY handler may set.
        unsafe { (*fregs.cast::<bindings::pt_regs>()).ip = target };
    }
}

/// A call while a stop window is open or the gate is being flipped.
///
/// A task that calls is seen by the stack check (its return address is in the function); an NMI is
/// not, so it vetoes a change that concerns this function.
///
/// The second look at the gate tells whether the target was live when it was read: only sides that
/// are not live are written, and the count of flips never comes back to a value. Each round more takes
/// a flip by another CPU, so there are few.
#[cold]
fn contended(targets: &[AtomicUsize; 2]) -> usize {
    loop {
        let mut gate = GATE.read();
        if gate.is_open() && in_nmi() && differ(targets) {
            gate = GATE.veto(gate);
        }
        let target = targets[gate.side()].load(Ordering::Acquire);
        if GATE.read().is_as_recent_as(gate) {
            return target;
        }
    }
}

/// Whether the function is part of the change under way.
fn differ([a, b]: &[AtomicUsize; 2]) -> bool {
    a.load(Ordering::Relaxed) != b.load(Ordering::Relaxed)
}

/// `in_nmi()` of `include/linux/preempt.h`: also true in machine checks, INT3 and debug exceptions.
fn in_nmi() -> bool {
    let count: u32;
    // SAFETY: reads the low half of this CPU's preempt count, which holds all fields of the mask.
    unsafe {
        asm!(
            "mov {count:e}, gs:[rip + {variable}]",
            count = out(reg) count,
            variable = sym bindings::__preempt_count,
            options(nostack, readonly, preserves_flags)
        );
    }
    count & bindings::molt_constants_NMI_MASK_ != 0
}
