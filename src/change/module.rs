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
    api::declaration::Object,
    change::plan::Plan,
    edge::kernel::modules::{
        Module,
        ModuleListener, //
    },
    error::{
        Refusal,
        Retry, //
    },
    patch::{
        change::Change,
        lifecycle,
        status::Phase,
        Patch, //
    },
    registry::{
        shared::Shared,
        transition::Transition,
        Registry, //
    }, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::Arc, //
};

impl ModuleListener for Shared {
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
        registry.apply_redirection();
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
            .any(|patch| object_of(patch, module).is_some())
    }

    /// Takes all patches off a module that goes.
    fn let_go(&self, registry: &mut Registry, name: &CStr, module: Module) {
        while let Some((patch, index, object)) = self.first(name, Patch::is_settled) {
            lifecycle::begin_leaving(&patch, index, object, registry.below(&patch));
        }
        registry.drop_module(module.id);
        for transition in registry.transitions() {
            // Without memory a task that comes to be where the module was may be taken for a
            // straggler.
            let _ = transition.set_checked(|checked| {
                checked.forget(module.text);
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
        // Not for longer: callbacks come after this, and a task that loads a module asks for it.
        let loaded = self.loaded.lock();
        loaded.iter().find_map(|patch| {
            let (index, object) = object_of(patch, module)?;
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
    plan.arm(registry).map_err(Retry::refusal)?;
    plan.enter(patch)?;
    match registry.transition_of(patch).cloned() {
        Some(transition) => join(registry, &transition, &plan)?,
        None => registry.set(&plan.steps),
    }
    plan.publish(registry, patch);
    if registry.transition_of(patch).is_none() {
        lifecycle::patched(patch, index, object, registry.below(patch));
    }
    Ok(())
}

/// Has the functions of `plan`, which is for enabling, take part in a transition that is under way.
/// What comes after a change comes when it is complete.
fn join(registry: &mut Registry, transition: &Transition, plan: &Plan) -> Result<(), Refusal> {
    let change = transition.change();
    // Before anybody can be inside.
    transition
        .set_checked(|checked| checked.widen(change, &plan.checked))
        .map_err(|_| Refusal::no_memory())?;
    let steps = plan.steps.iter().map(|step| match change {
        Change::Enable => *step,
        Change::Disable => step.reversed(),
    });
    let begun = registry.begin(steps, transition.migration());
    begun.map_err(|_| Refusal::no_memory())
}

/// Has the functions of a module that comes take part in the transitions of patches that replace
/// all others: those which such a patch has not, and others have.
fn replace(registry: &mut Registry, module: Module) -> Result<(), (Arc<Patch>, Refusal)> {
    let mut at = 0;
    while let Some(transition) = registry.transitions().get(at).cloned() {
        at += 1;
        if transition.supersedes() {
            replace_late(registry, &transition, module)
                .map_err(|refusal| (transition.patch.clone(), refusal))?;
        }
    }
    Ok(())
}

/// Has them take part in one such transition.
fn replace_late(
    registry: &mut Registry,
    transition: &Transition,
    module: Module,
) -> Result<(), Refusal> {
    let mut plan = Plan::new();
    for (index, site) in registry.sites() {
        if site.function.module == Some(module.id) && !site.has(&transition.patch) {
            plan.uncover(index, site)?;
        }
    }
    join(registry, transition, &plan)
}
