// SPDX-License-Identifier: GPL-2.0

//! Arming functions with ftrace, so that their calls can be redirected.
//!
//! Functions that are armed together share one ops, because ftrace goes through all of its records
//! whenever one is registered. In the steady state a group can do without its handler, when ftrace
//! puts a jump at each entry instead ([`crate::edge::kernel::jumps`]).
//!
//! C header: [`include/linux/ftrace.h`](srctree/include/linux/ftrace.h)

use crate::{
    edge::{
        bindings,
        kernel::modules,
        mechanism::{
            handler::{
                Hook,
                Staged, //
            },
            junction::Junction,
            migration::Migration,
            reclaim::Reclaim, //
        }, //
    },
    pure::address::{
        CallTarget,
        FtraceSite, //
    }, //
};
use core::mem::ManuallyDrop;
use kernel::{
    error::to_result,
    ffi,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    }, //
};

/// Functions that were armed together, in one pass of ftrace over its records.
///
/// # Invariants
///
/// The hook is registered with ftrace, alone on its sites among those that change the instruction
/// pointer, while `handled` is set.
struct Group {
    hook: ManuallyDrop<Hook>,
    handled: Atomic<bool>,
    /// Its functions have jumps at their entries, which win. Only the holder of the registry writes
    /// these two.
    jumps: Atomic<bool>,
}

/// One function's ftrace site, armed until the last of its group is dropped or until it
/// [leaves](Redirect::leave).
///
/// # Invariants
///
/// The handler asks the last of `junctions`, if there is one; each was made with the one before it.
pub(crate) struct Redirect {
    group: Arc<Group>,
    site: FtraceSite,
    junctions: KVec<KBox<Junction>>,
}

/// Arms the sites: from now on every call passes the handler, which lets it through. Process
/// context; sleeps. The results are in the order of `sites`, each of which is named once.
///
/// # Errors
///
/// None of them is armed then. `EBUSY` when another user may change a function's instruction
/// pointer (mainline livepatch, a kprobe with a post handler) or calls it directly and will not
/// share; `EAGAIN` from BPF, whose trampoline is locked at the moment: let go of all sites and try
/// again; `EINVAL` when a site is none; `ENOMEM`; `ENODEV` when ftrace is disabled.
pub(crate) fn arm(sites: &[FtraceSite]) -> Result<KVec<Redirect>> {
    let mut redirects = KVec::with_capacity(sites.len(), GFP_KERNEL)?;
    if sites.is_empty() {
        // No filter would mean every function.
        return Ok(redirects);
    }
    let group = Arc::new(Group::arm(sites)?, GFP_KERNEL)?;
    for &site in sites {
        let group = group.clone();
        // INVARIANT: no junction in the table either.
        let redirect = Redirect {
            group,
            site,
            junctions: KVec::new(),
        };
        redirects.push(redirect, GFP_KERNEL)?;
    }
    Ok(redirects)
}

impl Group {
    fn arm(sites: &[FtraceSite]) -> Result<Self> {
        let group = Self {
            hook: ManuallyDrop::new(Hook::new(sites)?),
            handled: Atomic::new(false),
            jumps: Atomic::new(false),
        };
        set_filter(group.hook.ops(), sites, false)?;
        group.register()?;
        Ok(group)
    }

    /// Has calls pass the handler.
    fn register(&self) -> Result {
        // SAFETY: the ops stays where it is, in its hook's memory, until it has been
        // unregistered, and its handler is for such an ops.
        to_result(unsafe { bindings::register_ftrace_function(self.hook.ops()) })?;
        // INVARIANT: registered just now.
        self.handled.store(true, Relaxed);
        Ok(())
    }

    /// Has calls pass it no more. When it succeeds, it returns after nobody is in the trampoline or
    /// the handler (rude and voluntary RCU-tasks grace periods).
    fn unregister(&self) -> Result {
        if self.handled.load(Relaxed) {
            // SAFETY: registered by the type invariant.
            to_result(unsafe { bindings::unregister_ftrace_function(self.hook.ops()) })?;
            self.handled.store(false, Relaxed);
        }
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Err(error) = self.unregister() {
            // ftrace has switched itself off after an internal error and goes on calling the
            // handler, which passes calls on. So hook and handler have to stay.
            pr_err!("functions cannot be disarmed: {error:?}; the core stays loaded\n");
            modules::keep_core();
            return;
        }
        // SAFETY: not registered, and dropped only here.
        unsafe {
            bindings::ftrace_free_filter(self.hook.ops());
            ManuallyDrop::drop(&mut self.hook);
        }
    }
}

/// Adds functions to the filter of `ops`, or takes them out.
fn set_filter(ops: *mut bindings::ftrace_ops, sites: &[FtraceSite], remove: bool) -> Result {
    let count = sites.len().try_into().map_err(|_| EINVAL)?;
    let remove = ffi::c_int::from(remove);
    // SAFETY: `ops` is one of ours, and stays; the sites are only read.
    to_result(unsafe {
        bindings::ftrace_set_filter_ips(ops, sites.as_ptr().cast_mut().cast(), count, remove, 0)
    })
}

impl Redirect {
    /// Whether both were armed together.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.group, &other.group)
    }

    /// Disarms `sites`, which were armed together with this one; some others of the group must
    /// stay. Process context. Calls that are on their way still find that they pass to the function
    /// itself.
    pub(crate) fn leave(&self, sites: &[FtraceSite]) -> Result {
        set_filter(self.group.hook.ops(), sites, true)
    }

    /// Whether the functions of the group have jumps. Then calls do not go where the table says, so
    /// nothing may be changed.
    pub(crate) fn has_jump(&self) -> bool {
        self.group.jumps.load(Relaxed)
    }

    /// Keeps that the functions of the group have jumps now, or have none.
    pub(crate) fn set_jump(&self, jumps: bool) {
        self.group.jumps.store(jumps, Relaxed);
    }

    /// Has calls of the whole group pass the handler. Process context.
    ///
    /// # Errors
    ///
    /// As [`arm`].
    pub(crate) fn handle(&self) -> Result {
        if self.group.handled.load(Relaxed) {
            Ok(())
        } else {
            self.group.register()
        }
    }

    /// Has calls of the whole group pass the handler no more: they go where it would send them,
    /// because of their jumps. Process context; waits for callers that are in the handler.
    pub(crate) fn pass_by(&self) -> Result {
        self.group.unregister()
    }

    /// Where calls go now, in a transition those of tasks that do not stay behind.
    pub(crate) fn target(&self) -> CallTarget {
        match self.targets() {
            Some((_, new)) => new,
            None => self.group.hook.target(self.site),
        }
    }

    /// In a transition: where calls go of tasks that stay behind, and where all others.
    pub(crate) fn targets(&self) -> Option<(CallTarget, CallTarget)> {
        let junction = self.junctions.last()?;
        Some(self.group.hook.targets(self.site, junction))
    }

    /// Whether the function is part of a transition.
    pub(crate) fn in_transition(&self) -> bool {
        !self.junctions.is_empty()
    }

    /// Whether the function is part of the transition that `migration` is of.
    pub(crate) fn is_in(&self, migration: &Arc<Migration>) -> bool {
        let newest = self.junctions.last();
        newest.is_some_and(|junction| junction.is_of(migration))
    }

    /// Sends calls to `new` from the moment on that `migration` begins, but to `old` those of tasks
    /// that stay behind. Process context. Whatever transition the function is part of has begun.
    pub(crate) fn begin(
        &mut self,
        migration: &Arc<Migration>,
        (old, new): (CallTarget, CallTarget),
        reclaim: &mut Reclaim,
    ) -> Result {
        self.forget_reversed(reclaim);
        let before = self.junctions.last().map(|before| &**before);
        let hook = &self.group.hook;
        let junction = hook.junction(self.site, migration, (old, new), before)?;
        self.junctions.push(junction, GFP_KERNEL)?;
        // INVARIANT: made with the one before it.
        self.ask_newest();
        Ok(())
    }

    /// A transition may be turned round again and again: only the newest junction still counts,
    /// whose migration has begun. A handler that is half way to an older one is waited for before
    /// that is freed.
    fn forget_reversed(&mut self, reclaim: &mut Reclaim) {
        let Some(newest) = self.junctions.pop() else {
            return;
        };
        for reversed in self.junctions.drain_all() {
            reclaim.add(reversed);
        }
        // There is room: it was in it.
        let _ = self.junctions.push_within_capacity(newest);
    }

    fn ask_newest(&self) {
        let newest = self.junctions.last().map(|newest| &**newest);
        // SAFETY: those in `junctions` are given to `Reclaim` or leaked when they are asked no
        // more.
        unsafe { self.group.hook.ask(self.site, newest) };
    }

    /// The migration of the newest junction has not begun and will not. Process context.
    pub(crate) fn cancel(&mut self, reclaim: &mut Reclaim) {
        if let Some(junction) = self.junctions.pop() {
            self.ask_newest();
            reclaim.add(junction);
        }
    }

    /// Every task is where the newest junction sends all but stragglers: the function leaves the
    /// transition. Process context.
    pub(crate) fn end(&mut self, reclaim: &mut Reclaim) {
        if let Some((_, new)) = self.targets() {
            // First, for handlers that do not find a junction any more.
            self.group.hook.set(self.site, new);
            self.leave_transition(reclaim);
        }
    }

    /// Asks no junction any more: of a function that goes.
    pub(crate) fn leave_transition(&mut self, reclaim: &mut Reclaim) {
        let junctions = core::mem::take(&mut self.junctions);
        self.ask_newest();
        for junction in junctions {
            reclaim.add(junction);
        }
    }

    /// See [`Hook::watch`].
    pub(crate) fn watch(&self) {
        self.group.hook.watch(self.site);
    }

    /// See [`Hook::prepare`].
    pub(crate) fn prepare(&self, target: CallTarget) -> Staged<'_> {
        self.group.hook.prepare(self.site, target)
    }

    /// See [`Hook::set`].
    pub(crate) fn set(&self, target: CallTarget) {
        self.group.hook.set(self.site, target);
    }

    /// See [`Hook::settle`].
    pub(crate) fn settle(&self) {
        self.group.hook.settle(self.site);
    }
}

impl Drop for Redirect {
    fn drop(&mut self) {
        // Of a function that goes with its module in the middle of a transition. The group may
        // stay, so the handler could still come; that is rare, and not worth waiting for.
        let junctions = core::mem::take(&mut self.junctions);
        self.ask_newest();
        junctions.into_iter().for_each(|junction| {
            KBox::leak(junction);
        });
    }
}
