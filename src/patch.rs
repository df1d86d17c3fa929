// SPDX-License-Identifier: GPL-2.0

//! A loaded patch: what it declares, where it stands, and what its last change told.

use crate::{
    api::{Declaration, Function, Object},
    blockers::Blockers,
    edge::{
        modules::{self, ModuleRef},
        state::StateHead,
    },
    error::Refusal,
    object::Phase,
    ranges::Range,
    transition::Transition,
};
use kernel::{
    new_mutex,
    prelude::*,
    str::{CStr, CString},
    sync::{Arc, Mutex},
    ThisModule,
};

/// Where a patch stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Disabled,
    /// The load of its module has not had its turn yet, or was refused: then the module is going.
    /// Nobody else may enable it.
    Loading,
    Enabling,
    Enabled,
    Disabling,
    /// A patch that replaces all others was enabled after it. It stays so.
    Superseded,
}

impl State {
    /// The word in sysfs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Loading | Self::Enabling => "enabling",
            Self::Enabled => "enabled",
            Self::Disabling => "disabling",
            Self::Superseded => "superseded",
        }
    }

    /// A change is under way.
    pub(crate) fn is_changing(self) -> bool {
        matches!(self, Self::Loading | Self::Enabling | Self::Disabling)
    }
}

/// How calls of a patch's functions are to be redirected, while nothing changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirection {
    /// By a handler that ftrace calls: whoever else wants the function can have it too.
    Ftrace,
    /// By a jump at the function's entry.
    Direct,
    /// The same, as long as no BPF program wants the function.
    Auto,
}

impl Redirection {
    const ALL: [Self; 3] = [Self::Ftrace, Self::Direct, Self::Auto];

    /// The word in sysfs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ftrace => "ftrace",
            Self::Direct => "direct",
            Self::Auto => "auto",
        }
    }

    /// The one with that name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name().as_bytes() == name)
    }
}

/// How a change deals with tasks that are inside of a function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// All functions change for all tasks at one instant, at which nobody is inside.
    StopMachine,
    /// They change at one instant, but tasks that are inside stay behind, each until it is outside.
    PerTask,
    /// The first up to the deadline, and then the second.
    Auto,
}

impl Consistency {
    const ALL: [Self; 3] = [Self::StopMachine, Self::PerTask, Self::Auto];

    /// The word in sysfs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StopMachine => "stop_machine",
            Self::PerTask => "per_task",
            Self::Auto => "auto",
        }
    }

    /// The one with that name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name().as_bytes() == name)
    }
}

/// Measured by the last change of a patch.
#[derive(Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Nanoseconds for which the last stop window held all CPUs.
    pub(crate) stop_ns: u64,
    /// Stop windows; a scan that finds a blocker opens none.
    pub(crate) attempts: u32,
    /// Tasks looked at by the last scan, outside the window.
    pub(crate) scanned: usize,
    /// Tasks verified inside the last window.
    pub(crate) verified: usize,
    /// Stop windows in which all tasks had to be verified, because more ran than can be recorded.
    pub(crate) overflows: u32,
}

/// What sysfs tells of a patch and the worker changes.
pub(crate) struct Status {
    pub(crate) state: State,
    /// The last flip was to the replacements.
    pub(crate) enabled: bool,
    /// Position among the enabled patches, from 1; 0 while disabled.
    pub(crate) stack_order: usize,
    pub(crate) consistency: Consistency,
    /// The change under way has begun, and has left tasks behind.
    pub(crate) transition: Option<Arc<Transition>>,
    pub(crate) redirection: Redirection,
    /// All functions that it is the newest patch of have jumps.
    pub(crate) jumps: bool,
    pub(crate) figures: Figures,
    /// Why the last change was refused; `None` when it was done.
    pub(crate) error: Option<CString>,
    pub(crate) blockers: Blockers,
    /// In the order of the declaration.
    objects: KVec<ObjectStatus>,
    /// Address of each function that is replaced, in the order of the declaration; 0 while its
    /// object is not patched.
    addresses: KVec<usize>,
    /// Keeps the patch module loaded while it is enabled.
    pub(crate) pin: Option<ModuleRef>,
    /// A function was replaced although tasks may have been inside: the module stays for ever.
    pub(crate) forced: bool,
}

/// How far an object of a patch is; see [`crate::object`].
#[derive(Clone)]
struct ObjectStatus {
    phase: Phase,
    /// The private symbols of the object have their addresses.
    bound: bool,
}

/// See the module's documentation.
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
        let objects = declaration.objects();
        let functions = objects.iter().map(|object| object.functions().len()).sum();
        let absent = ObjectStatus {
            phase: Phase::Absent,
            bound: false,
        };
        let objects = KVec::from_elem(absent, objects.len(), GFP_KERNEL)?;
        let addresses = KVec::from_elem(0, functions, GFP_KERNEL)?;
        Arc::pin_init(
            pin_init!(Self {
                module,
                name,
                text: modules::text(module),
                declaration,
                deadline_ms,
                status <- new_mutex!(Status {
                    state: State::Loading,
                    enabled: false,
                    stack_order: 0,
                    consistency,
                    transition: None,
                    redirection: Redirection::Ftrace,
                    jumps: false,
                    figures: Figures::default(),
                    error: None,
                    blockers: Blockers::none(),
                    objects,
                    addresses,
                    pin: None,
                    forced: false,
                }),
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
        status
            .addresses
            .iter()
            .filter(|&&address| address != 0)
            .count()
    }

    /// Whether it has functions that are replaced although tasks may be inside.
    pub(crate) fn forces(&self) -> bool {
        self.objects()
            .iter()
            .flat_map(Object::functions)
            .any(Function::is_forced)
    }

    /// An object, or a function of an object, that the declaration names more than once.
    pub(crate) fn named_twice(&self) -> Option<&'static CStr> {
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

    /// A reference that keeps its module loaded.
    pub(crate) fn pin(&self) -> Result<ModuleRef> {
        ModuleRef::get(self.module)
    }

    /// Calls go to the replacements: those of all tasks that no transition has left behind.
    pub(crate) fn is_enabled(&self) -> bool {
        self.status.lock().enabled
    }

    /// Its change that has begun and left tasks behind.
    pub(crate) fn transition(&self) -> Option<Arc<Transition>> {
        self.status.lock().transition.clone()
    }

    /// A patch that replaces all others has been enabled: this one is off, for good. One that is being
    /// loaded comes after it and has its turn yet.
    pub(crate) fn supersede(&self) {
        let mut status = self.status.lock();
        if status.state != State::Loading {
            status.enter(State::Superseded);
        }
    }

    /// Where its object with this index stands.
    pub(crate) fn phase(&self, index: usize) -> Phase {
        let status = self.status.lock();
        let object = status.objects.get(index);
        object.map_or(Phase::Absent, |object| object.phase)
    }

    /// For [`crate::object`].
    pub(crate) fn set_phase(&self, index: usize, phase: Phase) {
        if let Some(object) = self.status.lock().objects.get_mut(index) {
            object.phase = phase;
        }
    }

    /// Whether the private symbols of its object with this index have their addresses.
    pub(crate) fn is_bound(&self, index: usize) -> bool {
        let status = self.status.lock();
        status.objects.get(index).is_some_and(|object| object.bound)
    }

    /// For [`crate::object`].
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

    /// Address of its function with this index among all; 0 while that is not replaced.
    pub(crate) fn address(&self, index: usize) -> usize {
        let status = self.status.lock();
        status.addresses.get(index).copied().unwrap_or(0)
    }

    /// Keeps the address of a function of the object with this index.
    pub(crate) fn set_address(&self, object: usize, function: usize, address: usize) {
        let index = self.first_function(object) + function;
        if let Some(slot) = self.status.lock().addresses.get_mut(index) {
            *slot = address;
        }
    }

    /// Drops the addresses of the object with this index.
    pub(crate) fn forget_addresses(&self, object: usize) {
        let first = self.first_function(object);
        let count = self.objects()[object].functions().len();
        let mut status = self.status.lock();
        status
            .addresses
            .iter_mut()
            .skip(first)
            .take(count)
            .for_each(|slot| *slot = 0);
    }

    /// The number of functions in the objects before this one.
    pub(crate) fn first_function(&self, object: usize) -> usize {
        let before = self.objects().iter().take(object);
        before.map(|object| object.functions().len()).sum()
    }
}

impl Status {
    /// Keeps why a module that came was not loaded.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        self.error = CString::try_from_fmt(fmt!("{}", refusal)).ok();
    }

    /// Publishes where the patch is. Whoever reads that it is off can unload its module: it has been let
    /// go by then.
    pub(crate) fn enter(&mut self, state: State) {
        match state {
            State::Enabled => self.enabled = true,
            State::Disabled | State::Superseded => {
                self.enabled = false;
                self.pin = None;
            }
            State::Loading | State::Enabling | State::Disabling => {}
        }
        self.state = state;
    }

    /// Keeps what the change that ended told.
    pub(crate) fn conclude(&mut self, figures: Figures, refusal: Option<&Refusal>) {
        self.figures = figures;
        self.error = refusal.and_then(|refusal| CString::try_from_fmt(fmt!("{}", refusal)).ok());
        self.blockers = refusal.map_or(Blockers::none(), |refusal| refusal.blockers.copy());
    }
}
