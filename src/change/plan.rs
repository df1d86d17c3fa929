// SPDX-License-Identifier: GPL-2.0

//! What a change will do: which functions go where, and where nobody may be at that instant.

use crate::api::declaration;
use crate::patch::change::Change;
use crate::edge::kernel::modules;
use crate::edge::kernel::modules::Module;
use crate::edge::kernel::modules::Presence;
use crate::edge::kernel::symbols;
use crate::edge::kernel::symbols::Symbolic;
use crate::edge::mechanism::redirect;
use crate::error::Cause;
use crate::error::Refusal;
use crate::error::Setback;
use crate::patch::function::Function;
use crate::patch::Patch;
use crate::pure::ranges::Range;
use crate::registry::site::Site;
use crate::registry::Registry;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;

/// One function's part in a change.
pub(crate) struct Step {
    /// Index among the registry's sites, which stay in place during a change.
    pub(crate) site: usize,
    /// Where calls shall go; 0 for the function itself.
    pub(crate) target: usize,
}

/// A function of the patch that is enabled.
struct Own {
    /// Index among the registry's sites, as [`Step::site`]; those to be armed come behind them.
    site: usize,
    /// Index of its object, and of the function in that.
    place: (usize, usize),
    function: &'static declaration::Function,
}

/// See the module's documentation.
pub(crate) struct Plan {
    pub(crate) steps: KVec<Step>,
    /// Where nobody may be when it is carried out, and where nobody when it is taken back.
    pub(crate) ranges: KVec<Range>,
    pub(crate) back: KVec<Range>,
    own: KVec<Own>,
    /// Functions that are not armed yet.
    to_arm: KVec<Unarmed>,
}

/// A function that is to be armed, with the names of its object and of itself.
struct Unarmed {
    found: Function,
    object: &'static CStr,
    name: &'static CStr,
}

impl Plan {
    pub(crate) const fn new() -> Self {
        Self {
            steps: KVec::new(),
            ranges: KVec::new(),
            back: KVec::new(),
            own: KVec::new(),
            to_arm: KVec::new(),
        }
    }

    /// Adds the functions of one object of the patch that is to be enabled. `module` as for
    /// [`Function::resolve`].
    pub(crate) fn add(
        &mut self,
        registry: &Registry,
        index: usize,
        object: &'static declaration::Object,
        module: Option<Module>,
    ) -> Result<(), Refusal> {
        for (number, function) in object.functions().iter().enumerate() {
            let found = Function::resolve(object, module, function)?;
            let site = match self.position(registry, found.address) {
                Some(site) => site,
                None => {
                    let (object, name) = (object.name(), function.name());
                    let unarmed = Unarmed {
                        found,
                        object,
                        name,
                    };
                    self.to_arm.push(unarmed, GFP_KERNEL)?;
                    registry.sites.len() + self.to_arm.len() - 1
                }
            };
            if self.own.iter().any(|own| own.site == site) {
                return Err(Refusal::new(
                    Cause::Invalid,
                    fmt!("{}:{} is named twice", object.name(), function.name()),
                ));
            }
            let place = (index, number);
            let own = Own {
                site,
                place,
                function,
            };
            self.own.push(own, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// The index of the function at `address`, armed or to be armed.
    fn position(&self, registry: &Registry, address: usize) -> Option<usize> {
        registry.position(address).or_else(|| {
            let mut to_arm = self.to_arm.iter();
            let behind = to_arm.position(|unarmed| unarmed.found.address == address)?;
            Some(registry.sites.len() + behind)
        })
    }

    /// Arms the functions that were added and are not armed yet, all in one step, and says where
    /// each goes.
    pub(crate) fn arm(&mut self, registry: &mut Registry) -> Result<(), Setback> {
        let mut sites = KVec::with_capacity(self.to_arm.len(), GFP_KERNEL)?;
        for unarmed in &self.to_arm {
            sites.push(unarmed.found.site, GFP_KERNEL)?;
        }
        registry.sites.reserve(sites.len(), GFP_KERNEL)?;
        let redirects = redirect::arm(&sites).map_err(|e| not_armed(e, &self.to_arm, &sites))?;
        let to_arm = core::mem::take(&mut self.to_arm);
        for (unarmed, redirect) in to_arm.into_iter().zip(redirects) {
            let site = Site::new(unarmed.found, redirect);
            registry.sites.push(site, GFP_KERNEL)?;
        }
        for own in &self.own {
            let site = &mut registry.sites[own.site];
            site.reserve()?;
            site.vacated(own.function.is_forced(), &mut self.ranges)?;
            self.back.push(site.function.entry(), GFP_KERNEL)?;
            let step = Step {
                site: own.site,
                target: own.function.replacement(),
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
        for (site, armed) in registry.sites.iter().enumerate() {
            // Those without a patch are where they are to go, and will be disarmed.
            if !armed.is_bare() && !self.own.iter().any(|own| own.site == site) {
                armed.vacated(armed.is_forced(), &mut self.ranges)?;
                armed.vacated_bare(&mut self.back)?;
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
            // Others may be on their way elsewhere, by transitions of their own.
            if armed.has(patch) && target != armed.redirect.target() {
                armed.vacated(armed.is_forced(), &mut self.ranges)?;
                armed.vacated_without(patch, &mut self.back)?;
                self.steps.push(Step { site, target }, GFP_KERNEL)?;
            }
        }
        Ok(())
    }

    /// All text of a patch that will not be called any more, not only its replacements: also what
    /// they may have jumped to at their end. A patch with forced functions never goes, so tasks may
    /// stay.
    fn leave(&mut self, patch: &Patch) -> Result<(), Refusal> {
        if !patch.is_forced() {
            self.ranges.push(patch.text, GFP_KERNEL)?;
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
    ) -> Result<(), Setback> {
        let is_concerned = |index: usize, site: &Site| {
            site.has(patch) || self.own.iter().any(|own| own.site == index)
        };
        let mut sites = registry.sites.iter().enumerate();
        if let Some((_, site)) = sites.find(|(index, site)| {
            is_concerned(*index, site) && (site.redirect.is_parted() || registry.is_moving(site))
        }) {
            return Err(Setback::Lasting(Refusal::new(
                Cause::Busy,
                fmt!(
                    "{} is part of a transition that is under way",
                    Symbolic(site.function.address)
                ),
            )));
        }
        let all = change.supersedes(patch);
        let mut others = registry.transitions.iter();
        match others.find(|other| all || other.supersedes() || patch.meets(&other.patch)) {
            Some(other) => Err(Setback::Lasting(Refusal::new(
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
            self.back.push(patch.text, GFP_KERNEL)?;
            return Ok(());
        }
        for own in self.own.iter().filter(|own| !own.function.is_forced()) {
            let body = symbols::body_at(own.function.replacement());
            self.back.push(body, GFP_KERNEL)?;
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

    /// Instead of a flip, for functions that nobody can be in or call yet: sends calls to the
    /// newest replacements.
    pub(crate) fn set(&self, registry: &Registry) {
        for step in &self.steps {
            registry.sites[step.site].redirect.set(step.target);
        }
    }
}

/// Whether an object is there: `Ok(None)` when it is a module that is not loaded, `Ok(Some(None))`
/// for the image.
pub(crate) fn presence(object: &declaration::Object) -> Result<Option<Option<Module>>, Setback> {
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

/// Why ftrace did not arm functions, and which one: it does not say, so halves of them are tried.
fn not_armed(error: Error, functions: &[Unarmed], sites: &[usize]) -> Setback {
    if error == EAGAIN {
        // BPF holds the lock of a function's trampoline while it waits for ftrace. The way out is
        // to let go of everything and begin again.
        return Setback::Passing(Refusal::new(
            Cause::Owned,
            fmt!("BPF kept the trampoline of a function locked"),
        ));
    }
    if error == ENOMEM {
        return Refusal::no_memory().into();
    }
    let (mut first, mut sites) = (0, sites);
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
    let (Err(error), Some(Unarmed { object, name, .. })) =
        (redirect::arm(sites), functions.get(first))
    else {
        return Setback::Passing(Refusal::new(
            Cause::Owned,
            fmt!("a function was redirected by somebody else for a moment"),
        ));
    };
    Setback::Final(if error == EBUSY {
        Refusal::new(
            Cause::Owned,
            fmt!(
                "{}:{} is redirected by livepatch, a kprobe or a direct call, or kernel.ftrace_enabled is 0",
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
