// SPDX-License-Identifier: GPL-2.0

//! What runs at every call of a redirected function, what it reads, and how that is changed.

use super::{bindings, stop::Stopped};
use crate::{
    gate::{Gate, Side},
    targets::{self, Entry, Layout},
};
use core::{
    arch::asm,
    cell::UnsafeCell,
    mem::size_of,
    sync::atomic::{AtomicUsize, Ordering},
};
use kernel::{container_of, ffi, prelude::*};

/// Length in bytes of the call at a site; it pushes `site + CALL_SIZE` as return address.
pub(crate) const CALL_SIZE: usize = 5;

static GATE: Gate = Gate::new();

/// An ops, and where the functions that it is for go. Never moves while ftrace knows it.
///
/// # Invariants
///
/// `entries` points to the first entry of `table`, and `layout` is the table's. Every site that the
/// hook was made for has its entry where `layout` says.
#[repr(C)]
pub(super) struct Hook {
    ops: UnsafeCell<bindings::ftrace_ops>,
    layout: Layout,
    entries: *const Entry,
    table: KVVec<Entry>,
}

// SAFETY: ftrace serialises what it does with the ops; of the table only atomics change.
unsafe impl Send for Hook {}
// SAFETY: as above.
unsafe impl Sync for Hook {}

impl Hook {
    /// Calls of all functions pass to the functions themselves. Each site is named once.
    pub(super) fn new(sites: &[usize]) -> Result<KBox<Self>> {
        let layout = targets::lay_out(sites, |bytes| KVVec::from_elem(0, bytes, GFP_KERNEL).ok());
        let layout = layout.ok_or(ENOMEM)?;
        let mut table = KVVec::with_capacity(layout.entries(), GFP_KERNEL)?;
        for _ in 0..layout.entries() {
            table.push(Entry::unused(), GFP_KERNEL)?;
        }
        for &site in sites {
            let entry = &mut table[layout.offset(site) / size_of::<Entry>()];
            *entry = Entry::new(passing(site));
        }
        let ops = bindings::ftrace_ops {
            func: Some(redirect),
            // IPMODIFY: BPF trampolines then call the function through us instead of around us.
            // PERMANENT: `sysctl kernel.ftrace_enabled=0` must not switch a fix off.
            flags: (bindings::FTRACE_OPS_FL_IPMODIFY | bindings::FTRACE_OPS_FL_PERMANENT)
                as ffi::c_ulong,
            ..Default::default()
        };
        // INVARIANT: filled just now; what the vector points to stays when the vector moves.
        let hook = Self {
            ops: UnsafeCell::new(ops),
            layout,
            entries: table.as_ptr(),
            table,
        };
        Ok(KBox::new(hook, GFP_KERNEL)?)
    }

    /// For ftrace.
    pub(super) fn ops(&self) -> *mut bindings::ftrace_ops {
        self.ops.get()
    }

    /// The entry of `site`, which is one of those that the hook is for.
    #[inline(always)]
    fn entry(&self, site: usize) -> &Entry {
        debug_assert!(!self.table.is_empty());
        // SAFETY: by the type invariant the offset is that of an entry of the table.
        unsafe { &*self.entries.byte_add(self.layout.offset(site)) }
    }

    /// Where calls go now; 0 for the function itself.
    pub(super) fn target(&self, site: usize) -> usize {
        match live(self.entry(site), GATE.read().side()).load(Ordering::Relaxed) {
            stored if stored == passing(site) => 0,
            stored => stored,
        }
    }

    /// From now on until [`Hook::settle`], an NMI handler that uses the function while a stop window is
    /// open vetoes the change.
    ///
    /// Before [`Window::open`], whose store orders this one.
    pub(super) fn watch(&self, site: usize) {
        self.entry(site).changing.store(true, Ordering::Relaxed);
    }

    /// Prepares `target` for the flip that follows in the same window.
    ///
    /// Nobody is in the function or in its handler, says the verdict. A task that had read the gate in
    /// the handler before an earlier flip might otherwise read this side now.
    pub(super) fn stage(&self, _: &Stopped<'_>, site: usize, target: usize) {
        let dead = GATE.read().side().other();
        live(self.entry(site), dead).store(stored(site, target), Ordering::Relaxed);
    }

    /// Sends calls to `target` from now on, without a flip: for a function that nobody can be in or
    /// call yet, because its module has not run. No change may be under way.
    pub(super) fn set(&self, site: usize, target: usize) {
        for side in &self.entry(site).targets {
            side.store(stored(site, target), Ordering::Relaxed);
        }
    }

    /// Makes both sides equal to the live one: after a flip, or instead of one.
    pub(super) fn settle(&self, site: usize) {
        let (entry, side) = (self.entry(site), GATE.read().side());
        let now = live(entry, side).load(Ordering::Relaxed);
        live(entry, side.other()).store(now, Ordering::Relaxed);
        entry.changing.store(false, Ordering::Relaxed);
    }
}

/// The target that is live when `side` is. No panic path, and no branch.
#[inline(always)]
fn live(entry: &Entry, side: Side) -> &AtomicUsize {
    // SAFETY: a side is the offset of the first or of the second of two words.
    unsafe { &*entry.targets.as_ptr().byte_add(side.offset()) }
}

/// Where a call of the function at `site` goes on that is not redirected: behind the call of the handler.
/// Written to the saved instruction pointer, it is what has been there.
fn passing(site: usize) -> usize {
    site.wrapping_add(CALL_SIZE)
}

/// What stands in the table for `target`, where 0 is the function itself.
fn stored(site: usize, target: usize) -> usize {
    match target {
        0 => passing(site),
        target => target,
    }
}

/// An open stop window: NMI handlers that use a function that changes veto the change.
pub(crate) struct Window(());

impl Window {
    /// Opens it. Before CPUs are stopped, so that each passes from its last unwatched NMI into its
    /// stopper thread, in task context, after the gate is open.
    pub(crate) fn open() -> Self {
        GATE.open();
        Self(())
    }

    /// Switches all staged functions at one instant, by the release that goes with it. False after a veto:
    /// nothing has changed.
    pub(crate) fn flip(&self, _: &Stopped<'_>) -> bool {
        GATE.flip()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        GATE.close();
    }
}

/// The handler: looks at one word and at the function's entry, and stores where the call goes.
///
/// Runs in whatever context the function is called in, NMI included, preemptible or not, RCU
/// watching or not. It takes no lock, calls nothing in the usual case, cannot panic, and has one branch,
/// for open windows.
///
/// # Safety
///
/// Called by ftrace with an `ops` that is the first field of a [`Hook`], and the registers saved at
/// a site that the hook is for.
unsafe extern "C" fn redirect(
    ip: ffi::c_ulong,
    _parent_ip: ffi::c_ulong,
    ops: *mut bindings::ftrace_ops,
    fregs: *mut bindings::ftrace_regs,
) {
    // SAFETY: by the requirement; the hook is freed only after a grace period that waits for us.
    let hook =
        unsafe { &*container_of!(ops.cast::<UnsafeCell<bindings::ftrace_ops>>(), Hook, ops) };
    let entry = hook.entry(ip);
    let target = match GATE.read().closed() {
        // Relaxed: by the acquire of the gate, who reads a side that is live sees its targets.
        Some(side) => live(entry, side).load(Ordering::Relaxed),
        None => in_window(entry),
    };
    // SAFETY: `struct ftrace_regs` begins with a `pt_regs` on x86 (`struct __arch_ftrace_regs`), whose
    // `ip` an IPMODIFY handler may set.
    unsafe { (*fregs.cast::<bindings::pt_regs>()).ip = target };
}

/// A call while a stop window is open.
///
/// A task that calls is seen by the stack check (its return address is in the function); an NMI is
/// not, so it vetoes a change that concerns this function.
#[cold]
fn in_window(entry: &Entry) -> usize {
    let mut gate = GATE.read();
    if gate.closed().is_none() && in_nmi() && entry.changing.load(Ordering::Relaxed) {
        gate = GATE.veto(gate);
    }
    live(entry, gate.side()).load(Ordering::Relaxed)
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
