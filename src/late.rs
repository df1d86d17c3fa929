// SPDX-License-Identifier: GPL-2.0

//! Modules that come and go while patches that name them are enabled.
//!
//! A module that comes is patched before its first instruction runs, so nobody can be inside and
//! nothing has to be stopped; when that fails, the module is not loaded. A module that goes has run
//! its last instruction, and is let go: no reference is ever held on it.
//!
//! Both happen in the task that loads or unloads the module, which waits for the registry. A change
//! that is blocked gives way to it ([`Shared::somebody_waits`]).

use crate::{
    api::Object,
    edge::modules::{Listener, Module},
    error::{Refusal, Setback},
    object::{self, Phase},
    patch::Patch,
    plan::Plan,
    registry::Registry,
    shared::Shared,
};
use kernel::{prelude::*, str::CStr, sync::Arc};

impl Listener for Shared {
    fn coming(&self, name: &CStr, module: Module) -> Result {
        if !self.concerns(name) {
            return Ok(());
        }
        let mut registry = self.visit();
        let mut at = 0;
        while let Some(patch) = registry.patches().get(at).cloned() {
            at += 1;
            let Some((index, object)) = object_of(&patch, name) else {
                continue;
            };
            match patch_late(&mut registry, &patch, index, object, module) {
                Ok(()) => pr_info!("{}: patched module {} as it came\n", patch.name(), name),
                Err(refusal) => {
                    pr_err!(
                        "{}: module {} is not loaded, because it cannot be patched: {}\n",
                        patch.name(),
                        name,
                        refusal
                    );
                    self.let_go(&mut registry, name, module);
                    let errno = refusal.errno();
                    patch.status.lock().refuse(&refusal);
                    *self.refused.lock() = Some(refusal);
                    return Err(errno);
                }
            }
        }
        registry.settle();
        Ok(())
    }

    fn going(&self, name: &CStr, module: Module) {
        if self.concerns(name) {
            let mut registry = self.visit();
            self.let_go(&mut registry, name, module);
        }
    }
}

impl Shared {
    /// Whether a patch that is loaded names the module. One that is not loaded yet finds the module
    /// by itself, and waits for it when it is still being loaded.
    fn concerns(&self, module: &CStr) -> bool {
        let loaded = self.loaded.lock();
        loaded
            .iter()
            .any(|dir| object_of(dir.patch(), module).is_some())
    }

    /// Takes all patches off a module that goes.
    fn let_go(&self, registry: &mut Registry, name: &CStr, module: Module) {
        // The patches that are enabled, and one that is about to be and gives way now.
        let loaded = self.loaded.lock();
        let concerned = || {
            let patches = loaded.iter().map(|dir| dir.patch());
            patches.filter_map(|patch| object_of(patch, name).map(|found| (patch, found)))
        };
        for (patch, (index, object)) in concerned() {
            object::begin_leaving(patch, index, object, registry.below(patch));
        }
        registry.drop_module(module.id);
        for (patch, (index, object)) in concerned() {
            object::release(patch, index, object, registry.below(patch));
            object::unbind(patch, index, object);
        }
    }
}

/// The patch's object of that name, and its index.
fn object_of(patch: &Patch, module: &CStr) -> Option<(usize, &'static Object)> {
    let mut objects = patch.objects().iter().enumerate();
    objects.find(|(_, object)| object.module() == Some(module))
}

/// Patches a module that comes with one enabled patch, on top of those before.
fn patch_late(
    registry: &mut Registry,
    patch: &Arc<Patch>,
    index: usize,
    object: &'static Object,
    module: Module,
) -> Result<(), Refusal> {
    if patch.phase(index) != Phase::Absent {
        return Ok(());
    }
    object::prepare(patch, index, object, registry.below(patch))?;
    let mut plan = Plan::new();
    plan.add(registry, index, object, Some(module))?;
    match plan.arm(registry) {
        Ok(()) => {}
        Err(Setback::Final(refusal) | Setback::Passing(refusal)) => return Err(refusal),
    }
    plan.set(registry);
    plan.publish(registry, patch);
    object::settle(patch, index, object, registry.below(patch));
    Ok(())
}
