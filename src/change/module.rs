// SPDX-License-Identifier: GPL-2.0

//! Modules that come and go while patches that name them are enabled.
//!
//! A module that comes is patched before its first instruction runs, so nobody can be inside and
//! nothing has to be stopped; when that fails, the module is not loaded. A module that goes has run
//! its last instruction, and is let go: no reference is ever held on it.
//!
//! Both happen in the task that loads or unloads the module, which waits for the registry. A change
//! that is blocked gives way to it ([`Shared::somebody_waits`]).

use crate::api::declaration::Object;
use crate::change::plan::Plan;
use crate::edge::kernel::modules::Listener;
use crate::edge::kernel::modules::Module;
use crate::error::Refusal;
use crate::error::Setback;
use crate::patch::lifecycle;
use crate::patch::status::Phase;
use crate::patch::Patch;
use crate::registry::shared::Shared;
use crate::registry::transition::Transition;
use crate::registry::Registry;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;

impl Listener for Shared {
    fn coming(&self, name: &CStr, module: Module) -> Result {
        if !self.concerns(name) {
            return Ok(());
        }
        let mut registry = self.visit();
        let patched = patch_all(&mut registry, name, module);
        if let Err((patch, refusal)) = patched.and_then(|()| replace(&mut registry, module)) {
            pr_err!(
                "{}: module {} is not loaded, because it cannot be patched: {}\n",
                patch.name(),
                name,
                refusal
            );
            self.let_go(&mut registry, name, module);
            return Err(self.refuse(&patch, refusal));
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
        while let Some((patch, index, object)) = self.first(name, Patch::is_settled) {
            lifecycle::begin_leaving(&patch, index, object, registry.below(&patch));
        }
        registry.drop_module(module.id);
        for transition in &registry.transitions {
            // Without memory who comes to be where the module was may be taken for a straggler.
            let _ = transition.set_ways(|ways| {
                ways.forget(module.text);
                Ok(())
            });
        }
        while let Some((patch, index, object)) = self.first(name, Patch::concerns) {
            lifecycle::release(&patch, index, object, registry.below(&patch));
            lifecycle::unbind(&patch, index, object);
        }
    }

    /// The first patch that names the module, for whose object of it `holds` is true, among those
    /// that are enabled, and one that is about to be and gives way now. None of them goes as long
    /// as the registry is held.
    fn first(
        &self,
        module: &CStr,
        holds: impl Fn(&Patch, usize) -> bool,
    ) -> Option<(Arc<Patch>, usize, &'static Object)> {
        // Not for longer: callbacks come after this, and whoever loads a module asks for it.
        let loaded = self.loaded.lock();
        loaded.iter().find_map(|dir| {
            let (index, object) = object_of(dir.patch(), module)?;
            let patch = dir.patch();
            holds(patch, index).then(|| (patch.clone(), index, object))
        })
    }
}

/// The patch's object of that name, and its index.
fn object_of(patch: &Patch, module: &CStr) -> Option<(usize, &'static Object)> {
    let mut objects = patch.objects().iter().enumerate();
    objects.find(|(_, object)| object.module() == Some(module))
}

/// Patches a module that comes with all enabled patches, oldest first.
fn patch_all(
    registry: &mut Registry,
    name: &CStr,
    module: Module,
) -> Result<(), (Arc<Patch>, Refusal)> {
    let mut at = 0;
    while let Some(patch) = registry.patches().get(at).cloned() {
        at += 1;
        if let Some((index, object)) = object_of(&patch, name) {
            patch_late(registry, &patch, index, object, module)
                .map_err(|refusal| (patch.clone(), refusal))?;
            pr_info!("{}: patched module {} as it came\n", patch.name(), name);
        }
    }
    Ok(())
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
    lifecycle::prepare(patch, index, object, registry.below(patch))?;
    let mut plan = Plan::new();
    plan.add(registry, index, object, Some(module))?;
    plan.arm(registry).map_err(Setback::refusal)?;
    plan.enter(patch)?;
    match registry.transition_of(patch).cloned() {
        Some(transition) => join(registry, &transition, &plan)?,
        None => {
            let Registry { sites, retired, .. } = &mut *registry;
            for step in &plan.steps {
                // Whoever calls it comes here, whatever a patch below is about to do.
                sites[step.site].redirect.join(retired);
            }
            plan.set(registry);
        }
    }
    plan.publish(registry, patch);
    if registry.transition_of(patch).is_none() {
        lifecycle::settle(patch, index, object, registry.below(patch));
    }
    Ok(())
}

/// Has the functions of `plan` take part in a transition of their patch that is under way. What
/// comes after a change comes when it is complete.
fn join(registry: &mut Registry, transition: &Transition, plan: &Plan) -> Result<(), Refusal> {
    let change = transition.change();
    // Before anybody can be inside.
    transition
        .set_ways(|ways| ways.widen(change, &plan.ranges, &plan.back))
        .map_err(|_| Refusal::no_memory())?;
    let Registry { sites, retired, .. } = registry;
    for step in &plan.steps {
        let redirect = &mut sites[step.site].redirect;
        let targets = change.order(redirect.target(), step.target);
        let parted = redirect.part(transition.migration(), targets, retired);
        parted.map_err(|_| Refusal::no_memory())?;
    }
    Ok(())
}

/// Has the functions of a module that comes take part in the transitions of patches that replace
/// all others: those which such a patch has not, and others have.
fn replace(registry: &mut Registry, module: Module) -> Result<(), (Arc<Patch>, Refusal)> {
    let mut at = 0;
    while let Some(transition) = registry.transitions.get(at).cloned() {
        at += 1;
        if transition.supersedes() {
            replace_late(registry, &transition, module)
                .map_err(|refusal| (transition.patch.clone(), refusal))?;
        }
    }
    Ok(())
}

/// The same for one transition.
fn replace_late(
    registry: &mut Registry,
    transition: &Transition,
    module: Module,
) -> Result<(), Refusal> {
    let change = transition.change();
    let Registry { sites, retired, .. } = registry;
    for site in sites {
        if site.function.module != Some(module.id) || site.has(&transition.patch) {
            continue;
        }
        let (mut ranges, mut back) = (KVec::new(), KVec::new());
        site.vacated(site.is_forced(), &mut ranges)?;
        site.vacated_bare(&mut back)?;
        let targets = change.order(site.redirect.target(), 0);
        transition
            .set_ways(|ways| ways.widen(change, &ranges, &back))
            .and_then(|()| site.redirect.part(transition.migration(), targets, retired))
            .map_err(|_| Refusal::no_memory())?;
    }
    Ok(())
}
