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

use crate::edge::kernel::jumps::Jumps;
use crate::edge::kernel::modules::ModuleId;
use crate::edge::mechanism::reclaim::Retired;
use crate::patch::Patch;
use crate::registry::site::Site;
use crate::registry::transition::Transition;
use kernel::alloc::AllocError;
use kernel::prelude::*;
use kernel::sync::Arc;

/// See the module's documentation.
pub(crate) struct Registry {
    /// Enabled patches, oldest first.
    patches: KVec<Arc<Patch>>,
    /// Armed functions, by no particular order.
    pub(crate) sites: KVec<Site>,
    /// For [`crate::registry::direct`].
    pub(crate) jumps: Jumps,
    /// Changes that have left tasks behind.
    pub(crate) transitions: KVec<Arc<Transition>>,
    /// What was left over by transitions.
    pub(crate) retired: Retired,
}

impl Registry {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            patches: KVec::new(),
            sites: KVec::new(),
            jumps: Jumps::new()?,
            transitions: KVec::new(),
            retired: Retired::new(),
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

    /// Takes out what is to be freed without the registry.
    pub(crate) fn take_retired(&mut self) -> Retired {
        core::mem::replace(&mut self.retired, Retired::new())
    }

    /// The index of the armed function at `address`.
    pub(crate) fn position(&self, address: usize) -> Option<usize> {
        self.sites
            .iter()
            .position(|site| site.function.address == address)
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
        let Self { sites, retired, .. } = self;
        for site in sites.iter_mut().filter(|site| goes(site)) {
            site.redirect.leave_transition(retired);
        }
        if self.disarm(goes).is_err() {
            // No memory, and the addresses stay in ftrace's filter, for what is loaded there later.
            for site in self.sites.iter().filter(|site| goes(site)) {
                site.redirect.set(0);
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
                match goes(site) {
                    true => leaving.push(site.function.site, GFP_KERNEL)?,
                    false => stay = true,
                }
            }
            if first.redirect.has_jump() {
                // Of a module that goes; others have none any more when they change.
                let jumps = site::jumps(&self.sites, |site| site.is_beside(first) && goes(site))?;
                self.jumps.take(&jumps)?;
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

    /// Takes `patch` out of the order.
    pub(crate) fn remove(&mut self, patch: &Arc<Patch>) {
        self.patches.retain(|other| !Arc::ptr_eq(other, patch));
        let mut status = patch.status.lock();
        (status.stack_order, status.jumps) = (0, false);
        drop(status);
        self.renumber();
    }

    fn renumber(&self) {
        for (index, patch) in self.patches.iter().enumerate() {
            patch.status.lock().stack_order = index + 1;
        }
    }
}
