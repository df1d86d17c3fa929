// SPDX-License-Identifier: GPL-2.0

//! What a change will do: which functions go where, and where nobody may be at that instant.

use crate::{
    api::declaration,
    edge::{
        kernel::{
            modules::{
                self,
                Module,
                Presence, //
            },
            symbols::{
                self,
                Symbolic, //
            }, //
        },
        mechanism::redirect, //
    },
    error::{
        Cause,
        Refusal,
        Retry, //
    },
    patch::{
        change::Change,
        function::KernelFunction,
        Patch, //
    },
    pure::address::{
        CallTarget,
        FunctionAddress, //
    },
    registry::{
        self,
        checked::Checked,
        site::{
            Site,
            SiteIndex,
            Step, //
        },
        transition::Transition,
        Registry, //
    }, //
};
use kernel::{
    alloc::AllocError,
    prelude::*,
    str::CStr,
    sync::Arc, //
};

/// A function of the patch that is enabled.
struct Own {
    /// As [`Step::site`]; functions that are armed for the change come behind the others.
    site: SiteIndex,
    /// Index of its object, and of the function in that.
    place: (usize, usize),
    function: &'static declaration::Function,
}

/// The steps of one change, and the text that is checked for it.
pub(crate) struct Plan {
    pub(crate) steps: KVec<Step>,
    pub(crate) checked: Checked,
    own: KVec<Own>,
    /// Functions that are not armed yet, and the names of object and function of each.
    to_arm: KVec<KernelFunction>,
    names: KVec<(&'static CStr, &'static CStr)>,
}

impl Plan {
    pub(crate) const fn new() -> Self {
        Self {
            steps: KVec::new(),
            checked: Checked::new(),
            own: KVec::new(),
            to_arm: KVec::new(),
            names: KVec::new(),
        }
    }

    /// The way back of a transition that is under way.
    pub(crate) fn back(registry: &Registry, reversed: &Transition) -> Result<Self, AllocError> {
        let mut plan = Self::new();
        for (site, armed) in registry.sites() {
            let redirect = &armed.redirect;
            if let (true, Some((old, new))) =
                (redirect.is_in(reversed.migration()), redirect.targets())
            {
                let step = Step { site, old, new };
                plan.steps.push(step.reversed(), GFP_KERNEL)?;
            }
        }
        plan.checked = reversed.checked()?.reversed();
        Ok(plan)
    }

    /// Adds the functions of one object of the patch that is to be enabled. `module` as for
    /// [`KernelFunction::resolve`].
    pub(crate) fn add(
        &mut self,
        registry: &Registry,
        index: usize,
        object: &'static declaration::Object,
        module: Option<Module>,
    ) -> Result<(), Refusal> {
        for (number, function) in object.functions().iter().enumerate() {
            let found = KernelFunction::resolve(object, module, function)?;
            let site = match self.position(registry, found.address) {
                Some(site) => site,
                None => {
                    let names = (object.name(), function.name());
                    self.names.push(names, GFP_KERNEL)?;
                    let site = registry.next_index(self.to_arm.len());
                    self.to_arm.push(found, GFP_KERNEL)?;
                    site
                }
            };
            if self.own.iter().any(|own| own.site == site) {
                return Err(Refusal::new(
                    Cause::Invalid,
                    fmt!("{}:{} is named twice", object.name(), function.name()),
                ));
            }
            let own = Own {
                site,
                place: (index, number),
                function,
            };
            self.own.push(own, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// The index of the function at `address`, armed or to be armed.
    fn position(&self, registry: &Registry, address: FunctionAddress) -> Option<SiteIndex> {
        registry.position(address).or_else(|| {
            let mut to_arm = self.to_arm.iter();
            let behind = to_arm.position(|function| function.address == address)?;
            Some(registry.next_index(behind))
        })
    }

    /// Arms the functions that were added and are not armed yet, all in one step, and says where
    /// each goes.
    pub(crate) fn arm(&mut self, registry: &mut Registry) -> Result<(), Retry> {
        let to_arm = core::mem::take(&mut self.to_arm);
        registry
            .arm(to_arm)
            .map_err(|(error, functions)| not_armed(error, &functions, &self.names))?;
        for own in &self.own {
            registry.reserve_on(own.site)?;
            let site = registry.site(own.site);
            site.vacated(own.function.is_forced(), &mut self.checked.forward)?;
            self.checked
                .reverse
                .push(site.function.entry(), GFP_KERNEL)?;
            let step = Step {
                site: own.site,
                old: site.redirect.target(),
                new: CallTarget::Replacement(own.function.replacement()),
            };
            self.steps.push(step, GFP_KERNEL)?;
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
        for (index, site) in registry.sites() {
            if !self.own.iter().any(|own| own.site == index) {
                self.uncover(index, site)?;
            }
        }
        for other in registry.patches() {
            if !Arc::ptr_eq(other, patch) {
                self.leave(other)?;
            }
        }
        Ok(())
    }

    /// Has a function go back to the kernel's own code. (A function that is armed but no longer
    /// patched runs that already; nothing has to be done for it.)
    pub(crate) fn uncover(&mut self, index: SiteIndex, site: &Site) -> Result<(), Refusal> {
        if site.is_bare() {
            return Ok(());
        }
        site.vacated(site.is_forced(), &mut self.checked.forward)?;
        site.vacated_bare(&mut self.checked.reverse)?;
        let step = Step {
            site: index,
            old: site.redirect.target(),
            new: CallTarget::Original,
        };
        Ok(self.steps.push(step, GFP_KERNEL)?)
    }

    /// Sends calls back to where they would go without `patch`.
    pub(crate) fn withdraw(
        &mut self,
        registry: &Registry,
        patch: &Arc<Patch>,
    ) -> Result<(), Refusal> {
        self.leave(patch)?;
        for (index, site) in registry.sites() {
            let (old, new) = (site.redirect.target(), site.target_without(patch));
            // Others may be on their way elsewhere, by transitions of their own.
            if site.has(patch) && new != old {
                site.vacated(site.is_forced(), &mut self.checked.forward)?;
                site.vacated_without(patch, &mut self.checked.reverse)?;
                let step = Step {
                    site: index,
                    old,
                    new,
                };
                self.steps.push(step, GFP_KERNEL)?;
            }
        }
        Ok(())
    }

    /// All text of a patch that will not be called any more, not only its replacements: also what
    /// they may have jumped to at their end. A patch with forced functions never goes, so tasks may
    /// stay.
    fn leave(&mut self, patch: &Patch) -> Result<(), Refusal> {
        if !patch.is_forced() {
            self.checked.forward.push(patch.text, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Whether what the plan for `patch` concerns is part of no transition.
    ///
    /// A function counts as part of one when another patch on it is in a transition, wherever that
    /// lies: tasks that stay behind may still be sent into this patch, or calls into the other,
    /// which is on its way out. So does a function that both name, in a module that may come. A
    /// patch that replaces all others concerns everything, until its own transition is complete.
    pub(crate) fn check_free(
        &self,
        registry: &Registry,
        patch: &Arc<Patch>,
        change: Change,
    ) -> Result<(), Retry> {
        let is_concerned = |index: SiteIndex, site: &Site| {
            site.has(patch) || self.own.iter().any(|own| own.site == index)
        };
        let mut sites = registry.sites();
        if let Some((_, site)) = sites.find(|(index, site)| {
            is_concerned(*index, site)
                && (site.redirect.in_transition() || registry.is_moving(site))
        }) {
            return Err(Retry::Later(Refusal::new(
                Cause::Busy,
                fmt!(
                    "{} is part of a transition that is under way",
                    Symbolic(site.function.address.0)
                ),
            )));
        }
        let all = change.supersedes(patch);
        let mut others = registry.transitions().iter();
        match others.find(|other| all || other.supersedes() || patch.meets(&other.patch)) {
            Some(other) => Err(Retry::Later(Refusal::new(
                Cause::Busy,
                fmt!("the transition of {} is under way", other.patch.name()),
            ))),
            None => Ok(()),
        }
    }

    /// All text of `patch`, which is to be enabled and armed already, for the way back. If it
    /// forces functions, only those replacements that are not forced: tasks may stay in the others.
    pub(crate) fn enter(&mut self, patch: &Patch) -> Result<(), Refusal> {
        if !patch.forces() {
            self.checked.reverse.push(patch.text, GFP_KERNEL)?;
            return Ok(());
        }
        for own in self.own.iter().filter(|own| !own.function.is_forced()) {
            let body = symbols::body_at(own.function.replacement());
            self.checked.reverse.push(body, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// After the flip: `patch` is on its functions.
    pub(crate) fn publish(&self, registry: &mut Registry, patch: &Arc<Patch>) {
        for own in &self.own {
            let function = own.function;
            let replacement = function.replacement();
            registry.cover(own.site, patch, replacement, function.is_forced());
            let (object, number) = own.place;
            let address = registry.site(own.site).function.address;
            patch.set_address(object, number, address);
        }
    }
}

/// Whether an object is there: `Ok(None)` when it is a module that is not loaded, `Ok(Some(None))`
/// for the image.
pub(crate) fn presence(object: &declaration::Object) -> Result<Option<Option<Module>>, Retry> {
    let Some(name) = object.module() else {
        return Ok(Some(None));
    };
    match modules::find(name) {
        Presence::Here(module) => Ok(Some(Some(module))),
        Presence::Absent => Ok(None),
        // It runs, but whether its notifiers have been called is not known.
        Presence::Passing => Err(Retry::Soon(Refusal::new(
            Cause::Busy,
            fmt!("module {} is being loaded or unloaded", name),
        ))),
    }
}

/// Why ftrace did not arm functions, and which one: it does not say, so halves of them are tried.
fn not_armed(
    error: Error,
    functions: &[KernelFunction],
    names: &[(&'static CStr, &'static CStr)],
) -> Retry {
    if error == EAGAIN {
        // BPF holds the lock of a function's trampoline while it waits for ftrace. The way out is
        // to let go of everything and begin again.
        return Retry::Soon(Refusal::new(
            Cause::Owned,
            fmt!("BPF kept the trampoline of a function locked"),
        ));
    }
    if error == ENOMEM {
        return Refusal::no_memory().into();
    }
    let all = match registry::ftrace_sites(functions) {
        Ok(all) => all,
        Err(_) => return Refusal::no_memory().into(),
    };
    let (mut first, mut sites) = (0, &all[..]);
    while sites.len() > 1 {
        let (left, right) = sites.split_at(sites.len() / 2);
        sites = match redirect::arm(left) {
            Err(_) => left,
            Ok(_) => {
                first += left.len();
                right
            }
        };
    }
    let (Err(error), Some((object, name))) = (redirect::arm(sites), names.get(first)) else {
        return Retry::Soon(Refusal::new(
            Cause::Owned,
            fmt!("a function was redirected by somebody else for a moment"),
        ));
    };
    Retry::Never(if error == EBUSY {
        Refusal::new(
            Cause::Owned,
            fmt!(
                "{}:{} is redirected by livepatch, a kprobe or a direct call, \
                 or kernel.ftrace_enabled is 0",
                object,
                name
            ),
        )
    } else {
        Refusal::new(
            Cause::NotTraceable,
            fmt!("{}:{}: ftrace refused with {:?}", object, name, error),
        )
    })
}
