// SPDX-License-Identifier: GPL-2.0

//! The enabled patches in their order, and the functions they are on. Whoever holds it makes a
//! change: the worker, or a module that comes or goes.

use crate::{edge::modules::ModuleId, patch::Patch, site::Site};
use kernel::{alloc::AllocError, prelude::*, sync::Arc};

/// See the module's documentation.
pub(crate) struct Registry {
    /// Enabled patches, oldest first.
    patches: KVec<Arc<Patch>>,
    /// Armed functions, by no particular order.
    pub(crate) sites: KVec<Site>,
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Self {
            patches: KVec::new(),
            sites: KVec::new(),
        }
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

    /// The index of the armed function at `address`.
    pub(crate) fn position(&self, address: usize) -> Option<usize> {
        self.sites
            .iter()
            .position(|site| site.function.address == address)
    }

    /// Disarms the functions that no patch is on: after a change as after a refusal.
    pub(crate) fn prune(&mut self) {
        self.sites.retain(|site| !site.is_bare());
    }

    /// Disarms the functions of a module that goes.
    pub(crate) fn drop_module(&mut self, module: ModuleId) {
        self.sites
            .retain(|site| site.function.module != Some(module));
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
        patch.status.lock().stack_order = 0;
        self.renumber();
    }

    fn renumber(&self) {
        for (index, patch) in self.patches.iter().enumerate() {
            patch.status.lock().stack_order = index + 1;
        }
    }
}
