// SPDX-License-Identifier: GPL-2.0

//! One patch that is loaded: what it declares ([`Patch`]), and where it stands ([`status`]).
//!
//! **Belongs here**: what concerns a single patch: its objects on their way in and out
//! ([`lifecycle`]), its functions in the running kernel ([`function`], [`denylist`]), the patches
//! below it ([`lower`]), how its calls are redirected ([`redirection`]).
//!
//! **May use**: [`crate::api`], [`crate::stacks`], [`crate::edge`], [`crate::pure`]. It knows
//! neither the registry nor what makes a change.
//!
//! **Runs**: in the task that holds the registry; readers of sysfs see [`status`] under its lock.

pub(crate) mod change;
pub(crate) mod denylist;
pub(crate) mod function;
pub(crate) mod lifecycle;
pub(crate) mod lower;
pub(crate) mod redirection;
pub(crate) mod status;
pub(crate) mod stragglers;

use crate::{
    api::{
        consistency::Consistency,
        declaration::{
            Declaration,
            Function,
            Object, //
        }, //
    },
    edge::{
        kernel::modules::{
            self,
            ModuleRef, //
        },
        mechanism::state::StateHead, //
    },
    patch::{
        status::{
            Phase,
            Progress,
            Status, //
        },
        stragglers::Stragglers, //
    },
    pure::{
        address::FunctionAddress,
        ranges::Range,
        versions, //
    }, //
};
use kernel::{
    new_mutex,
    prelude::*,
    str::{
        CStr,
        CString, //
    },
    sync::{
        Arc,
        Mutex, //
    },
    ThisModule, //
};

/// A patch that is loaded.
#[pin_data]
pub(crate) struct Patch {
    module: &'static ThisModule,
    /// The name of its module, which is the name of the patch.
    name: CString,
    /// All code of its module.
    pub(crate) text: Range,
    declaration: &'static Declaration,
    /// Milliseconds after which a change that is always blocked is refused.
    pub(crate) deadline_ms: u32,
    #[pin]
    pub(crate) status: Mutex<Status>,
}

impl Patch {
    /// A patch that is loaded and about to be enabled.
    pub(crate) fn new(
        module: &'static ThisModule,
        declaration: &'static Declaration,
        deadline_ms: u32,
        consistency: Consistency,
    ) -> Result<Arc<Self>> {
        let name = CString::try_from_fmt(fmt!("{}", modules::name(module)))?;
        let status = Status::new(consistency, declaration.objects())?;
        Arc::pin_init(
            pin_init!(Self {
                module,
                name,
                text: modules::text(module),
                declaration,
                deadline_ms,
                status <- new_mutex!(status),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }

    pub(crate) fn objects(&self) -> &'static [Object] {
        self.declaration.objects()
    }

    /// The changes of the system that it makes or knows.
    pub(crate) fn states(&self) -> &'static [&'static StateHead] {
        self.declaration.states()
    }

    /// Drops the data of its states, which nobody can get at any more: its module is about to go.
    pub(crate) fn clear_states(&self) {
        self.states().iter().for_each(|state| state.clear());
    }

    /// Enabling it supersedes all patches before it.
    pub(crate) fn replaces(&self) -> bool {
        self.declaration.replaces()
    }

    /// Its module.
    pub(crate) fn module(&self) -> &'static ThisModule {
        self.module
    }

    /// How many functions it replaces now.
    pub(crate) fn functions(&self) -> usize {
        let status = self.status.lock();
        let addresses = status.objects.iter().flat_map(|object| &object.addresses);
        addresses.flatten().count()
    }

    /// Whether it has functions that are replaced although tasks may be inside.
    pub(crate) fn forces(&self) -> bool {
        self.objects()
            .iter()
            .flat_map(Object::functions)
            .any(Function::is_forced)
    }

    /// Whether nothing is named twice, for the load of its module.
    ///
    /// # Errors
    ///
    /// `EINVAL`; the log says what is.
    pub(crate) fn check_names(&self) -> Result {
        if let Some(twice) = self.named_twice() {
            pr_err!("{}: {} is named twice\n", self.name(), twice);
            return Err(EINVAL);
        }
        let states = self.states().iter().map(|state| state.known());
        if let Some(twice) = versions::named_twice(states) {
            pr_err!("{}: state {:#x} is named twice\n", self.name(), twice);
            return Err(EINVAL);
        }
        Ok(())
    }

    /// An object, or a function of an object, that the declaration names more than once.
    fn named_twice(&self) -> Option<&'static CStr> {
        let objects = self.objects();
        for (index, object) in objects.iter().enumerate() {
            if objects
                .iter()
                .skip(index + 1)
                .any(|other| other.name() == object.name())
            {
                return Some(object.name());
            }
            let functions = object.functions();
            for (index, one) in functions.iter().enumerate() {
                if functions.iter().skip(index + 1).any(|other| other.is(one)) {
                    return Some(one.name());
                }
            }
        }
        None
    }

    /// Whether both name a function of one object, by whatever position.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let same = |one: &Object, two: &Object| {
            let mut functions = one.functions().iter();
            one.name() == two.name() && functions.any(|function| two.names(function.name()))
        };
        let mut objects = self.objects().iter();
        objects.any(|one| other.objects().iter().any(|two| same(one, two)))
    }

    /// A reference that keeps its module loaded.
    pub(crate) fn pin(&self) -> Result<ModuleRef> {
        ModuleRef::get(self.module)
    }

    /// Calls go to the replacements: those of all tasks that no transition has left behind.
    pub(crate) fn is_enabled(&self) -> bool {
        self.status.lock().enabled
    }

    /// A change of it is under way.
    pub(crate) fn is_changing(&self) -> bool {
        self.status.lock().progress.is_changing()
    }

    /// Calls go to the replacements, or tasks may be in them that a transition waits for.
    pub(crate) fn is_in_use(&self) -> bool {
        let status = self.status.lock();
        status.enabled || status.stragglers.is_some()
    }

    /// While its transition is under way: the tasks that it has left behind.
    pub(crate) fn stragglers(&self) -> Option<Arc<Stragglers>> {
        self.status.lock().stragglers.clone()
    }

    /// A patch that replaces all others has been enabled: this one is off, for good. One that is
    /// being loaded comes after it and has its turn yet.
    pub(crate) fn supersede(&self) {
        let mut status = self.status.lock();
        if status.progress != Progress::Loading {
            status.enter(Progress::Superseded);
        }
    }

    /// Whether it is off for good.
    pub(crate) fn is_superseded(&self) -> bool {
        self.status.lock().progress == Progress::Superseded
    }

    /// Where its object with this index stands.
    pub(crate) fn phase(&self, index: usize) -> Phase {
        let status = self.status.lock();
        let object = status.objects.get(index);
        object.map_or(Phase::Absent, |object| object.phase)
    }

    /// Whether calls go to the replacements of its object with this index: of some tasks at least.
    pub(crate) fn is_patched(&self, index: usize) -> bool {
        let phase = self.phase(index);
        phase.is_live() || phase == Phase::Prepared && self.is_in_use()
    }

    /// For [`crate::patch::lifecycle`].
    pub(crate) fn set_phase(&self, index: usize, phase: Phase) {
        if let Some(object) = self.status.lock().objects.get_mut(index) {
            object.phase = phase;
        }
    }

    /// Whether its object with this index is patched, and no change of that is under way.
    pub(crate) fn is_settled(&self, index: usize) -> bool {
        self.phase(index) == Phase::Patched
    }

    /// Whether something is done for its object with this index, or bound.
    pub(crate) fn concerns(&self, index: usize) -> bool {
        self.phase(index) != Phase::Absent || self.is_bound(index)
    }

    /// Whether the private symbols of its object with this index have their addresses.
    pub(crate) fn is_bound(&self, index: usize) -> bool {
        let status = self.status.lock();
        status.objects.get(index).is_some_and(|object| object.bound)
    }

    /// For [`crate::patch::lifecycle`].
    pub(crate) fn set_bound(&self, index: usize, bound: bool) {
        if let Some(object) = self.status.lock().objects.get_mut(index) {
            object.bound = bound;
        }
    }

    /// Whether a function was replaced although tasks may have been inside.
    pub(crate) fn is_forced(&self) -> bool {
        self.status.lock().forced
    }

    /// Tasks may be anywhere in its code, and nobody will look any more: its module stays for ever.
    pub(crate) fn keep_forced(&self) {
        let mut status = self.status.lock();
        status.forced = true;
        let pin = status.pin.take();
        drop(status);
        if let Some(pin) = pin {
            pin.keep();
        }
    }

    /// Address of a function of the object with this index, while that is replaced.
    pub(crate) fn address(&self, object: usize, function: usize) -> Option<FunctionAddress> {
        let status = self.status.lock();
        *status.objects.get(object)?.addresses.get(function)?
    }

    /// Keeps the address of a function of the object with this index.
    pub(crate) fn set_address(&self, object: usize, function: usize, address: FunctionAddress) {
        let mut status = self.status.lock();
        let object = status.objects.get_mut(object);
        if let Some(slot) = object.and_then(|object| object.addresses.get_mut(function)) {
            *slot = Some(address);
        }
    }

    /// Drops the addresses of the object with this index.
    pub(crate) fn forget_addresses(&self, object: usize) {
        if let Some(object) = self.status.lock().objects.get_mut(object) {
            object.addresses.iter_mut().for_each(|slot| *slot = None);
        }
    }
}
