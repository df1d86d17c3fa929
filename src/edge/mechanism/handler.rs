// SPDX-License-Identifier: GPL-2.0

//! What runs at every call of a redirected function, what it reads, and how that is changed.

use crate::{
    edge::{
        arch::{
            call,
            handler,
            this_cpu, //
        },
        bindings,
        kernel::stop::Stopped,
        mechanism::{
            junction::{
                self,
                Junction, //
            },
            migration::Migration, //
        }, //
    },
    pure::{
        address::{
            CallTarget,
            FtraceSite,
            FunctionAddress, //
        },
        gate::{
            Gate,
            Side, //
        },
        targets::{
            self,
            Entry,
            Layout, //
        }, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::{
        align_of,
        size_of, //
    },
    ptr,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    }, //
};
use kernel::{
    container_of,
    ffi,
    prelude::*,
    sync::Arc, //
};

static GATE: Gate = Gate::new();

/// An ops, and where the functions that it is for go. Never moves while ftrace knows it.
///
/// One piece of memory, so that the handler needs one address: the table is behind the [`Header`].
///
/// # Invariants
///
/// `memory` begins with a header, behind which there are as many entries as its `layout` has. Every
/// site that the hook was made for has its entry where `layout` says.
pub(in crate::edge) struct Hook {
    memory: KVVec<Entry>,
}

/// What the handler gets from ftrace: the ops is first.
#[repr(C)]
struct Header {
    ops: UnsafeCell<bindings::ftrace_ops>,
    layout: Layout,
}

/// Entries that the header takes up.
const HEADER: usize = size_of::<Header>().div_ceil(size_of::<Entry>());

// SAFETY: ftrace serialises what it does with the ops; of the table only atomics change.
unsafe impl Send for Hook {}
// SAFETY: as above.
unsafe impl Sync for Hook {}

impl Hook {
    /// Calls of all functions pass to the functions themselves. Each site is named once.
    pub(in crate::edge) fn new(sites: &[FtraceSite]) -> Result<Self> {
        let mut addresses = KVec::with_capacity(sites.len(), GFP_KERNEL)?;
        for site in sites {
            addresses.push(site.0, GFP_KERNEL)?;
        }
        let layout = targets::lay_out(&addresses, |bytes| {
            KVVec::from_elem(0, bytes, GFP_KERNEL).ok()
        });
        let layout = layout.ok_or(ENOMEM)?;
        let room = HEADER + layout.entries();
        let mut memory = KVVec::with_capacity(room, GFP_KERNEL)?;
        for _ in 0..room {
            memory.push(Entry::unused(), GFP_KERNEL)?;
        }
        for &site in sites {
            memory[HEADER + layout.index(site.0)] = Entry::new(call::return_address(site));
        }
        let ops = bindings::ftrace_ops {
            func: Some(redirect),
            // IPMODIFY: BPF trampolines then call the function through us instead of around us.
            // PERMANENT: `sysctl kernel.ftrace_enabled=0` must not switch a fix off.
            flags: (bindings::FTRACE_OPS_FL_IPMODIFY | bindings::FTRACE_OPS_FL_PERMANENT)
                as ffi::c_ulong,
            ..Default::default()
        };
        let header = Header {
            ops: UnsafeCell::new(ops),
            layout,
        };
        // SAFETY: the first entries are as large and as much aligned as a header, and nobody uses
        // them.
        unsafe { memory.as_mut_ptr().cast::<Header>().write(header) };
        // INVARIANT: made just now; what the vector points to stays when the vector moves.
        Ok(Self { memory })
    }

    fn header(&self) -> &Header {
        // SAFETY: by the type invariant.
        unsafe { &*self.memory.as_ptr().cast::<Header>() }
    }

    /// For ftrace.
    pub(in crate::edge) fn ops(&self) -> *mut bindings::ftrace_ops {
        self.header().ops.get()
    }

    /// The entry of `site`, which is one of those that the hook is for.
    fn entry(&self, site: FtraceSite) -> &Entry {
        self.header().entry(site)
    }

    /// Where calls go now.
    pub(in crate::edge) fn target(&self, site: FtraceSite) -> CallTarget {
        let live = live(self.entry(site), GATE.read().side());
        given(site, live.load(Ordering::Relaxed))
    }

    /// From now on until [`Hook::settle`], an NMI handler that uses the function while a stop
    /// window is open vetoes the change.
    ///
    /// Before [`FlipWindow::open`], whose store orders this one.
    pub(in crate::edge) fn watch(&self, site: FtraceSite) {
        self.entry(site).changing.store(true, Ordering::Relaxed);
    }

    /// Prepares that calls go to `target` after the next flip. The side that is not live stays that
    /// until then.
    pub(in crate::edge) fn prepare(&self, site: FtraceSite, target: CallTarget) -> Staged<'_> {
        let dead = GATE.read().side().other();
        Staged {
            target: live(self.entry(site), dead),
            value: stored(site, target),
        }
    }

    /// Sends calls to `target` from now on, without a flip: for a function that nobody can be in or
    /// call yet, because its module has not run. No change may be under way.
    pub(in crate::edge) fn set(&self, site: FtraceSite, target: CallTarget) {
        for side in &self.entry(site).targets {
            side.store(stored(site, target), Ordering::Relaxed);
        }
    }

    /// Makes a junction for a transition from `old` to `new`.
    /// `before`: the junction that is in force, which is freed after this one.
    pub(in crate::edge) fn junction(
        &self,
        site: FtraceSite,
        migration: &Arc<Migration>,
        (old, new): (CallTarget, CallTarget),
        before: Option<&Junction>,
    ) -> Result<KBox<Junction>> {
        let targets = (stored(site, old), stored(site, new));
        Junction::new(migration.clone(), targets, before)
    }

    /// Where the two universes of `junction` go, as they were given for this site.
    pub(in crate::edge) fn targets(
        &self,
        site: FtraceSite,
        junction: &Junction,
    ) -> (CallTarget, CallTarget) {
        let (old, new) = junction.targets();
        (given(site, old), given(site, new))
    }

    /// Has calls ask `junction` from now on, or none.
    ///
    /// # Safety
    ///
    /// It must stay until another one or none is asked and a grace period has passed after that.
    pub(in crate::edge) unsafe fn ask(&self, site: FtraceSite, junction: Option<&Junction>) {
        let at = junction.map_or(0, |junction| ptr::from_ref(junction) as usize);
        // Release: partner of the acquire in the handler.
        self.entry(site).junction.store(at, Ordering::Release);
    }

    /// Makes both sides equal to the live one: after a flip, or instead of one.
    pub(in crate::edge) fn settle(&self, site: FtraceSite) {
        let (entry, side) = (self.entry(site), GATE.read().side());
        let now = live(entry, side).load(Ordering::Relaxed);
        live(entry, side.other()).store(now, Ordering::Relaxed);
        entry.changing.store(false, Ordering::Relaxed);
    }
}

/// A target that is to be written in the window.
pub(crate) struct Staged<'a> {
    target: &'a AtomicUsize,
    value: usize,
}

impl Staged<'_> {
    /// Writes it, for the flip that follows in the same window.
    ///
    /// Nobody is in the function or in its handler, says the verdict. A task that had read the gate
    /// in the handler before an earlier flip might otherwise read this side now.
    pub(crate) fn write(&self, _: &Stopped<'_>) {
        self.target.store(self.value, Ordering::Relaxed);
    }
}

const _: () = assert!(align_of::<Header>() <= align_of::<Entry>());

impl Header {
    /// The entry of `site`, for a header that is part of a [`Hook`].
    fn entry(&self, site: FtraceSite) -> &Entry {
        let table = (&raw const *self).cast::<Entry>().wrapping_add(HEADER);
        // SAFETY: the index is that of an entry of the table, whatever the site is.
        unsafe { &*table.add(self.layout.index(site.0)) }
    }
}

/// The target that is live when `side` is. No panic path.
fn live(entry: &Entry, side: Side) -> &AtomicUsize {
    // SAFETY: a side is the offset of the first or of the second of two words.
    unsafe { &*entry.targets.as_ptr().byte_add(side.offset()) }
}

/// What stands in the table for `target`. For the function itself it is what the call at the site
/// has pushed: written to the saved instruction pointer, it is what has been there.
fn stored(site: FtraceSite, target: CallTarget) -> usize {
    match target {
        CallTarget::Original => call::return_address(site),
        CallTarget::Replacement(address) => address.0,
    }
}

/// The reverse of [`stored`].
fn given(site: FtraceSite, stored: usize) -> CallTarget {
    match stored {
        stored if stored == call::return_address(site) => CallTarget::Original,
        stored => CallTarget::Replacement(FunctionAddress(stored)),
    }
}

/// An open stop window: NMI handlers that use a function that changes veto the change.
pub(crate) struct FlipWindow(());

impl FlipWindow {
    /// Opens it. Before CPUs are stopped, so that each passes from its last unwatched NMI into its
    /// stopper thread, in task context, after the gate is open.
    pub(crate) fn open() -> Self {
        GATE.open();
        Self(())
    }

    /// Switches all staged functions at one instant, by the release that goes with it. False after
    /// a veto: nothing has changed.
    pub(crate) fn flip(&self, _: &Stopped<'_>) -> bool {
        GATE.flip()
    }
}

impl Drop for FlipWindow {
    fn drop(&mut self) {
        GATE.close();
    }
}

/// Every call looks for a junction from now on.
pub(in crate::edge) fn attend() {
    GATE.attend();
}

/// Takes one [`attend`] back.
pub(in crate::edge) fn dismiss() {
    GATE.dismiss();
}

/// The handler: looks at one word and at the function's entry, and stores where the call goes.
///
/// Runs in whatever context the function is called in, NMI included, preemptible or not, RCU
/// watching or not. It takes no lock, calls nothing in the usual case, cannot panic, and has one
/// branch, for open windows and transitions.
///
/// # Safety
///
/// Called by ftrace with an `ops` that is the first field of a [`Hook`]'s [`Header`], and the
/// registers saved at a site that the hook is for.
unsafe extern "C" fn redirect(
    ip: ffi::c_ulong,
    _parent_ip: ffi::c_ulong,
    ops: *mut bindings::ftrace_ops,
    fregs: *mut bindings::ftrace_regs,
) {
    let registers = handler::registers(fregs);
    let header: *const Header =
        container_of!(ops.cast::<UnsafeCell<bindings::ftrace_ops>>(), Header, ops);
    // SAFETY: by the requirement.
    let offset = unsafe { (*header).layout.offset(ip) };
    // SAFETY: the offset, with the gate in it, is that of one of the two targets of an entry of the
    // table behind the header; the registers are valid for writing.
    unsafe {
        handler::look_up!(
            header,
            HEADER * size_of::<Entry>(),
            offset,
            GATE,
            registers,
            {
                // SAFETY: the registers are valid. They are not asked for the site: a kprobe's
                // handler that ran before may have set where the call goes on.
                unsafe { handler::go_on_at(registers, look_closer(FtraceSite(ip), &*header)) };
            }
        );
    }
}

/// A call while a stop window is open, or during a transition.
///
/// A task that calls is seen by the stack check (its return address is in the function); an NMI is
/// not, so it vetoes a change that concerns this function.
///
/// The site comes first, as it does for the handler: so the usual case does not have to move it.
#[cold]
fn look_closer(site: FtraceSite, header: &Header) -> usize {
    let entry = header.entry(site);
    let mut gate = GATE.read();
    if gate.is_open() && this_cpu::in_nmi() && entry.changing.load(Ordering::Relaxed) {
        gate = GATE.veto();
    }
    // Acquire: partner of the release in `Hook::ask`.
    // SAFETY: read from the table, by the handler.
    let chosen = unsafe { junction::choose(entry.junction.load(Ordering::Acquire)) };
    chosen.unwrap_or_else(|| live(entry, gate.side()).load(Ordering::Relaxed))
}
