// SPDX-License-Identifier: GPL-2.0

//! The enabled patches in their order, and the functions they are on ([`Registry`]).
//!
//! **Belongs here**: what is true of all patches together: armed functions and their layers
//! ([`site`]), jumps in the steady state ([`direct`]), transitions under way ([`transition`]) and
//! what they check ([`checked`]), and what the core's parts share ([`shared`]).
//!
//! **May use**: [`crate::patch`], [`crate::api`], [`crate::stacks`], [`crate::edge`],
//! [`crate::pure`]. It is moved by [`crate::change`] and knows nothing of it.
//!
//! **Runs**: in the task that holds the registry's lock: the worker, or a task that loads or
//! unloads a module.

pub(crate) mod checked;
pub(crate) mod direct;
pub(crate) mod shared;
pub(crate) mod site;
pub(crate) mod transition;

use crate::{
    edge::{
        kernel::{
            modules::ModuleId,
            symbols::Symbolic, //
        },
        mechanism::{
            handler::Staged,
            migration::Migration,
            reclaim::Reclaim,
            redirect, //
        }, //
    },
    error::{
        Cause,
        Refusal, //
    },
    patch::{
        function::KernelFunction,
        redirection::Redirection,
        Patch, //
    },
    pure::address::{
        CallTarget,
        FtraceSite,
        FunctionAddress, //
    },
    registry::{
        direct::Direct,
        site::{
            Site,
            SiteIndex,
            Step, //
        },
        transition::Transition, //
    }, //
};
use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::Arc, //
};

/// The enabled patches and their functions. The holder of its lock makes a change, or answers for
/// one.
pub(crate) struct Registry {
    /// Enabled patches, oldest first.
    patches: KVec<Arc<Patch>>,
    /// Armed functions, by no particular order.
    sites: KVec<Site>,
    direct: Direct,
    /// Changes that have left tasks behind.
    transitions: KVec<Arc<Transition>>,
    /// What was left over by transitions.
    reclaim: Reclaim,
}

/// The order of patches.
impl Registry {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            patches: KVec::new(),
            sites: KVec::new(),
            direct: Direct::new()?,
            transitions: KVec::new(),
            reclaim: Reclaim::new(),
        })
    }

    /// The enabled patches, oldest first.
    pub(crate) fn patches(&self) -> &[Arc<Patch>] {
        &self.patches
    }

    /// The enabled patches that lie below `patch`, oldest first: all if it is not enabled.
    pub(crate) fn below(&self, patch: &Patch) -> &[Arc<Patch>] {
        let mut below = self.patches.split(|other| core::ptr::eq(&**other, patch));
        below.next().unwrap_or(&[])
    }

    /// Makes room for one more patch, so that [`Registry::add`] cannot fail.
    pub(crate) fn reserve(&mut self) -> Result<(), AllocError> {
        self.patches.reserve(1, GFP_KERNEL)
    }

    /// Puts `patch` on top of the order, in room made by [`Registry::reserve`].
    pub(crate) fn add(&mut self, patch: Arc<Patch>) {
        let added = self.patches.push_within_capacity(patch);
        debug_assert!(added.is_ok());
        self.renumber();
    }

    /// Takes `patch` off its functions and out of the order.
    pub(crate) fn remove(&mut self, patch: &Arc<Patch>) {
        for site in &mut self.sites {
            site.remove(patch);
        }
        self.patches.retain(|other| !Arc::ptr_eq(other, patch));
        let mut status = patch.status.lock();
        (status.stack_order, status.jumps) = (0, false);
        drop(status);
        self.renumber();
    }

    /// A patch besides `patch` that is enabled.
    pub(crate) fn another(&self, patch: &Arc<Patch>) -> Option<Arc<Patch>> {
        let mut patches = self.patches.iter();
        patches.find(|other| !Arc::ptr_eq(other, patch)).cloned()
    }

    fn renumber(&self) {
        for (index, patch) in self.patches.iter().enumerate() {
            patch.status.lock().stack_order = index + 1;
        }
    }
}

/// Functions that are armed.
impl Registry {
    /// The armed functions, each with its index.
    pub(crate) fn sites(&self) -> impl Iterator<Item = (SiteIndex, &Site)> {
        let sites = self.sites.iter().enumerate();
        sites.map(|(index, site)| (SiteIndex(index), site))
    }

    /// The armed function with this index.
    pub(crate) fn site(&self, index: SiteIndex) -> &Site {
        &self.sites[index.0]
    }

    /// The index of the armed function at `address`.
    pub(crate) fn position(&self, address: FunctionAddress) -> Option<SiteIndex> {
        let mut sites = self.sites();
        sites.find_map(|(index, site)| (site.function.address == address).then_some(index))
    }

    /// The index of the function that comes behind `count` others which are armed next.
    pub(crate) fn next_index(&self, count: usize) -> SiteIndex {
        SiteIndex(self.sites.len() + count)
    }

    /// Arms functions in one step, behind those that are armed already. Process context; sleeps.
    ///
    /// # Errors
    ///
    /// As [`redirect::arm`], with the functions; none is armed then.
    pub(crate) fn arm(
        &mut self,
        functions: KVec<KernelFunction>,
    ) -> Result<(), (Error, KVec<KernelFunction>)> {
        let armed = self
            .sites
            .reserve(functions.len(), GFP_KERNEL)
            .map_err(Error::from)
            .and_then(|()| redirect::arm(&ftrace_sites(&functions)?));
        let redirects = match armed {
            Ok(redirects) => redirects,
            Err(error) => return Err((error, functions)),
        };
        for (function, redirect) in functions.into_iter().zip(redirects) {
            let pushed = self
                .sites
                .push_within_capacity(Site::new(function, redirect));
            debug_assert!(pushed.is_ok());
        }
        Ok(())
    }

    /// Makes room on a function, so that [`Registry::cover`] cannot fail.
    pub(crate) fn reserve_on(&mut self, index: SiteIndex) -> Result<(), AllocError> {
        self.sites[index.0].reserve()
    }

    /// Puts `patch` on a function, in room made by [`Registry::reserve_on`].
    pub(crate) fn cover(
        &mut self,
        index: SiteIndex,
        patch: &Arc<Patch>,
        replacement: FunctionAddress,
        forced: bool,
    ) {
        self.sites[index.0].push(patch.clone(), replacement, forced);
    }

    /// What `patch` has put on its functions was forced, like a function whose author said so.
    pub(crate) fn force(&mut self, patch: &Arc<Patch>) {
        for site in &mut self.sites {
            site.force(patch);
        }
    }

    /// Disarms the functions that no patch is on: after a change as after a refusal.
    pub(crate) fn prune(&mut self) {
        if self.disarm(Site::is_bare).is_err() {
            pr_warn!("no memory to disarm functions; they pass calls on until the next change\n");
        }
    }

    /// Disarms the functions of a module that goes.
    pub(crate) fn drop_module(&mut self, module: ModuleId) {
        let goes = |site: &Site| site.function.module == Some(module);
        let Self { sites, reclaim, .. } = self;
        for site in sites.iter_mut().filter(|site| goes(site)) {
            site.redirect.leave_transition(reclaim);
        }
        if self.disarm(goes).is_err() {
            // No memory, and the addresses stay in ftrace's filter, for what is loaded there later.
            for site in self.sites.iter().filter(|site| goes(site)) {
                site.redirect.set(CallTarget::Original);
            }
            self.sites.retain(|site| !goes(site));
        }
    }

    /// Disarms the sites for which `goes` holds, in one step for each group that was armed
    /// together.
    fn disarm(&mut self, goes: impl Fn(&Site) -> bool) -> Result {
        while let Some(first) = self.sites.iter().find(|site| goes(site)) {
            let (mut leaving, mut stay) = (KVec::new(), false);
            let group = self.sites.iter().filter(|site| site.is_beside(first));
            for site in group {
                if goes(site) {
                    leaving.push(site.function.site, GFP_KERNEL)?
                } else {
                    stay = true
                }
            }
            if first.redirect.has_jump() {
                // Of a module that goes; others have none any more when they change.
                self.direct.take(&self.sites, first, &goes)?;
            }
            if stay {
                first.redirect.leave(&leaving)?;
            }
            // The last of a group disarms it.
            self.sites
                .retain(|site| !leaving.contains(&site.function.site));
        }
        Ok(())
    }
}

/// Changes.
impl Registry {
    /// Has the steps ready to be made at one instant. Process context.
    pub(crate) fn stage(&self, steps: &[Step]) -> Result<KVec<Staged<'_>>, AllocError> {
        let mut staged = KVec::with_capacity(steps.len(), GFP_KERNEL)?;
        for step in steps {
            let redirect = &self.site(step.site).redirect;
            staged.push(redirect.prepare(step.new), GFP_KERNEL)?;
        }
        Ok(staged)
    }

    /// Makes the steps at once, for functions that nobody can be in or call yet.
    pub(crate) fn set(&mut self, steps: &[Step]) {
        let Self { sites, reclaim, .. } = self;
        for step in steps {
            let redirect = &mut sites[step.site.0].redirect;
            // Every call comes here, whatever a patch below is about to do.
            redirect.end(reclaim);
            redirect.set(step.new);
        }
    }

    /// Has the functions ask `migration`, which has not begun. After an error some do.
    pub(crate) fn begin(
        &mut self,
        steps: impl Iterator<Item = Step>,
        migration: &Arc<Migration>,
    ) -> Result {
        let Self { sites, reclaim, .. } = self;
        for step in steps {
            let redirect = &mut sites[step.site.0].redirect;
            redirect.begin(migration, (step.old, step.new), reclaim)?;
        }
        Ok(())
    }

    /// Has no function ask `migration` any more, which has not begun.
    pub(crate) fn cancel(&mut self, steps: &[Step], migration: &Arc<Migration>) {
        let Self { sites, reclaim, .. } = self;
        for step in steps {
            let redirect = &mut sites[step.site.0].redirect;
            if redirect.is_in(migration) {
                redirect.cancel(reclaim);
            }
        }
    }

    /// Before a change of the functions of `steps`: their calls are handled. Process context.
    pub(crate) fn enter_handler(&mut self, steps: &[Step]) -> Result<(), Refusal> {
        let indices = steps.iter().map(|step| step.site);
        self.direct.enter_handler(&self.sites, indices)?;
        self.note_jumps();
        Ok(())
    }

    /// After a change: disarms functions that no patch is on any more, and has the others
    /// redirected as their patches want. Process context; waits for callers that are in the
    /// handler.
    pub(crate) fn after_change(&mut self) {
        self.prune();
        self.apply_redirection();
    }

    /// Has functions redirected as their patches want. Process context; as [`Direct::apply`].
    pub(crate) fn apply_redirection(&mut self) {
        self.direct.apply(&self.sites);
        self.note_jumps();
    }

    /// Chooses how calls of `patch` are redirected from now on. Process context; as
    /// [`Direct::apply`].
    pub(crate) fn choose(
        &mut self,
        patch: &Arc<Patch>,
        redirection: Redirection,
    ) -> Result<(), Refusal> {
        let before = {
            let mut status = patch.status.lock();
            core::mem::replace(&mut status.redirection, redirection)
        };
        for site in self.sites.iter_mut().filter(|site| site.is_newest(patch)) {
            site.wanted = false;
        }
        self.apply_redirection();
        let has_jumps = patch.status.lock().jumps;
        if redirection != Redirection::Direct || !self.is_on_top(patch) || has_jumps {
            return Ok(());
        }
        patch.status.lock().redirection = before;
        self.apply_redirection();
        let mut on_top = self.sites.iter().filter(|site| site.is_newest(patch));
        Err(match on_top.find(|site| site.redirect.in_transition()) {
            Some(site) => Refusal::new(
                Cause::Owned,
                fmt!(
                    "{} is part of a transition that is under way",
                    Symbolic(site.function.address.0)
                ),
            ),
            None => Refusal::new(
                Cause::Owned,
                fmt!(
                    "a function is called directly by another (a BPF program?), \
                         or is shared with a patch that wants `ftrace`"
                ),
            ),
        })
    }

    /// Gives functions back that have jumps only as long as nobody else wants them, of those whose
    /// address is `wanted`. Process context; sleeps.
    pub(crate) fn give_back(&mut self, wanted: impl Fn(FunctionAddress) -> bool) {
        for site in self.sites.iter_mut() {
            if wanted(site.function.address) {
                site.wanted = true;
            }
        }
        self.apply_redirection();
    }

    /// Whether it is the newest patch of a function.
    fn is_on_top(&self, patch: &Arc<Patch>) -> bool {
        self.sites.iter().any(|site| site.is_newest(patch))
    }

    /// For sysfs.
    fn note_jumps(&self) {
        for patch in self.patches() {
            let mut on_top = self.sites.iter().filter(|site| site.is_newest(patch));
            let jumps = self.is_on_top(patch) && on_top.all(|site| site.redirect.has_jump());
            patch.status.lock().jumps = jumps;
        }
    }
}

/// Transitions.
impl Registry {
    /// The transitions that are under way.
    pub(crate) fn transitions(&self) -> &[Arc<Transition>] {
        &self.transitions
    }

    /// The transition of `patch` that is under way.
    pub(crate) fn transition_of(&self, patch: &Arc<Patch>) -> Option<&Arc<Transition>> {
        let mut transitions = self.transitions.iter();
        transitions.find(|transition| Arc::ptr_eq(&transition.patch, patch))
    }

    /// Whether a patch on this function is in a transition, of which the function need not be a
    /// part.
    pub(crate) fn is_moving(&self, site: &Site) -> bool {
        let mut transitions = self.transitions.iter();
        transitions.any(|transition| site.has(&transition.patch))
    }

    /// Makes room for one more transition, so that [`Registry::add_transition`] cannot fail.
    pub(crate) fn reserve_transition(&mut self) -> Result<(), AllocError> {
        self.transitions.reserve(1, GFP_KERNEL)
    }

    /// `transition` is under way, in room made by [`Registry::reserve_transition`].
    pub(crate) fn add_transition(&mut self, transition: &Arc<Transition>) {
        let known = self.transitions.push_within_capacity(transition.clone());
        debug_assert!(known.is_ok());
        let mut status = transition.patch.status.lock();
        status.enabled = transition.change().is_enable();
        status.stragglers = Some(transition.stragglers().clone());
    }

    /// Nobody is left behind: the functions of `transition` go where they are to go.
    pub(crate) fn complete(&mut self, transition: &Transition) {
        let Self { sites, reclaim, .. } = self;
        for site in sites.iter_mut() {
            if site.redirect.is_in(transition.migration()) {
                site.redirect.end(reclaim);
            }
        }
        transition.set_completed();
        self.forget_transition(transition);
    }

    /// Another transition has begun that leads back.
    pub(crate) fn give_way(&mut self, transition: &Transition) {
        transition.set_reversed();
        self.forget_transition(transition);
    }

    fn forget_transition(&mut self, transition: &Transition) {
        self.transitions
            .retain(|other| !core::ptr::eq(&**other, transition));
        let mut status = transition.patch.status.lock();
        let ours = |other: &Arc<_>| Arc::ptr_eq(other, transition.stragglers());
        let ended = if status.stragglers.as_ref().is_some_and(ours) {
            status.stragglers.take()
        } else {
            None
        };
        drop(status);
        drop(ended);
    }

    /// What is left over, to be let go of without the registry.
    pub(crate) fn take_reclaim(&mut self) -> Reclaim {
        core::mem::replace(&mut self.reclaim, Reclaim::new())
    }

    /// Keeps what `transition` has needed, which takes a while to let go of.
    pub(crate) fn reclaim_probes(&mut self, transition: &Transition) {
        if let Some(probes) = transition.take_probes() {
            self.reclaim.add_probes(probes);
        }
    }
}

/// Where ftrace knows these functions.
pub(crate) fn ftrace_sites(functions: &[KernelFunction]) -> Result<KVec<FtraceSite>> {
    let mut sites = KVec::with_capacity(functions.len(), GFP_KERNEL)?;
    for function in functions {
        sites.push(function.site, GFP_KERNEL)?;
    }
    Ok(sites)
}
