// SPDX-License-Identifier: GPL-2.0

//! What a change will do: which functions go where, and where nobody may be at that instant.

use crate::{
    api,
    edge::modules::{self, Module, Presence},
    error::{Cause, Refusal, Setback},
    function::Function,
    patch::Patch,
    ranges::Range,
    registry::Registry,
    site::Site,
};
use kernel::{prelude::*, sync::Arc};

/// One function's part in a change.
pub(crate) struct Step {
    /// Index among the registry's sites, which stay in place during a change.
    pub(crate) site: usize,
    /// Where calls shall go; 0 for the function itself.
    pub(crate) target: usize,
}

/// A function of the patch that is enabled.
struct Own {
    site: usize,
    /// Index of its object, and of the function in that.
    place: (usize, usize),
    function: &'static api::Function,
}

/// See the module's documentation.
pub(crate) struct Plan {
    pub(crate) steps: KVec<Step>,
    pub(crate) ranges: KVec<Range>,
    own: KVec<Own>,
}

impl Plan {
    pub(crate) const fn new() -> Self {
        Self {
            steps: KVec::new(),
            ranges: KVec::new(),
            own: KVec::new(),
        }
    }

    /// Adds the functions of one object of the patch that is to be enabled: finds them, and arms those
    /// that are not armed yet. `module` as for [`Function::resolve`].
    pub(crate) fn arm(
        &mut self,
        registry: &mut Registry,
        index: usize,
        object: &'static api::Object,
        module: Option<Module>,
    ) -> Result<(), Setback> {
        for (number, function) in object.functions().iter().enumerate() {
            let found = Function::resolve(object, module, function)?;
            let site = match registry.position(found.address) {
                Some(site) => site,
                None => {
                    let site = Site::new(found).map_err(|e| not_armed(e, object, function))?;
                    registry.sites.push(site, GFP_KERNEL)?;
                    registry.sites.len() - 1
                }
            };
            if self.own.iter().any(|own| own.site == site) {
                Err(Refusal::new(
                    Cause::Invalid,
                    fmt!("{}:{} is named twice", object.name(), function.name()),
                ))?;
            }
            registry.sites[site].reserve()?;
            let armed = &registry.sites[site];
            if function.is_forced() {
                // Tasks may be inside, but not on their way: they may go where soon nothing is.
                self.ranges.push(armed.function.entry(), GFP_KERNEL)?;
            } else {
                armed.occupied(&mut self.ranges)?;
            }
            let place = (index, number);
            let own = Own {
                site,
                place,
                function,
            };
            self.own.push(own, GFP_KERNEL)?;
            let target = function.replacement();
            self.steps.push(Step { site, target }, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Adds what becomes of all other patches when `patch`, armed already, supersedes them: their
    /// functions that it has not go back to the kernel's own code.
    pub(crate) fn supersede(
        &mut self,
        registry: &Registry,
        patch: &Arc<Patch>,
    ) -> Result<(), Refusal> {
        for (site, armed) in registry.sites.iter().enumerate() {
            if !self.own.iter().any(|own| own.site == site) {
                self.vacate(armed)?;
                self.steps.push(Step { site, target: 0 }, GFP_KERNEL)?;
            }
        }
        for other in registry.patches() {
            if !Arc::ptr_eq(other, patch) {
                self.leave(other)?;
            }
        }
        Ok(())
    }

    /// Sends calls back to where they would go without `patch`.
    pub(crate) fn withdraw(
        &mut self,
        registry: &Registry,
        patch: &Arc<Patch>,
    ) -> Result<(), Refusal> {
        self.leave(patch)?;
        for (site, armed) in registry.sites.iter().enumerate() {
            let target = armed.target_without(patch);
            if target != armed.redirect.target() {
                self.vacate(armed)?;
                self.steps.push(Step { site, target }, GFP_KERNEL)?;
            }
        }
        Ok(())
    }

    /// What runs now is taken off a function.
    fn vacate(&mut self, site: &Site) -> Result<(), Refusal> {
        if !site.is_forced() {
            site.occupied(&mut self.ranges)?;
        }
        Ok(())
    }

    /// All text of a patch that will not be called any more, not only its replacements: also what they
    /// may have jumped to at their end. A patch with forced functions never goes, so tasks may stay.
    fn leave(&mut self, patch: &Patch) -> Result<(), Refusal> {
        if !patch.is_forced() {
            self.ranges.push(patch.text, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// After the flip: `patch` is on its functions.
    pub(crate) fn publish(&self, registry: &mut Registry, patch: &Arc<Patch>) {
        for own in &self.own {
            let site = &mut registry.sites[own.site];
            let function = own.function;
            site.push(patch.clone(), function.replacement(), function.is_forced());
            let (object, number) = own.place;
            patch.set_address(object, number, site.function.address);
        }
    }

    /// Instead of a flip, for functions that nobody can be in or call yet: sends calls to the newest
    /// replacements.
    pub(crate) fn set(&self, registry: &Registry) {
        for step in &self.steps {
            registry.sites[step.site].redirect.set(step.target);
        }
    }
}

/// Whether an object is there: `Ok(None)` when it is a module that is not loaded, `Ok(Some(None))` for
/// the image.
pub(crate) fn presence(object: &api::Object) -> Result<Option<Option<Module>>, Setback> {
    let Some(name) = object.module() else {
        return Ok(Some(None));
    };
    match modules::find(name) {
        Presence::Here(module) => Ok(Some(Some(module))),
        Presence::Absent => Ok(None),
        // It runs, but whether its notifiers have been called is not known.
        Presence::Passing => Err(Setback::Passing(Refusal::new(
            Cause::Busy,
            fmt!("module {} is being loaded or unloaded", name),
        ))),
    }
}

/// Why ftrace did not arm a function.
fn not_armed(error: Error, object: &api::Object, wanted: &api::Function) -> Setback {
    let (place, name) = (object.name(), wanted.name());
    let refusal = match error {
        error if error == EAGAIN => {
            // BPF holds the lock of the function's trampoline while it waits for ftrace. The way out
            // is to let go of everything and begin again.
            return Setback::Passing(Refusal::new(
                Cause::Owned,
                fmt!("BPF kept the trampoline of {}:{} locked", place, name),
            ));
        }
        error if error == EBUSY => Refusal::new(
            Cause::Owned,
            fmt!(
                "{}:{} is redirected by livepatch, a kprobe or a direct call, or kernel.ftrace_enabled is 0",
                place,
                name
            ),
        ),
        error if error == ENOMEM => Refusal::new(Cause::NoMemory, fmt!("{}:{}", place, name)),
        error => Refusal::new(
            Cause::NotTraceable,
            fmt!("{}:{}: ftrace refused with {:?}", place, name, error),
        ),
    };
    Setback::Final(refusal)
}
