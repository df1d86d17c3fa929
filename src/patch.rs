// SPDX-License-Identifier: GPL-2.0

//! A loaded patch: what it declares, where it stands, and what its last change told.

use crate::{
    api::{Declaration, Object},
    blockers::Blockers,
    edge::modules::{self, ModuleRef},
    error::Refusal,
    ranges::Range,
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
    Enabling,
    Enabled,
    Disabling,
}

impl State {
    /// The word in sysfs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabling => "enabling",
            Self::Enabled => "enabled",
            Self::Disabling => "disabling",
        }
    }

    /// A change is under way.
    pub(crate) fn is_changing(self) -> bool {
        matches!(self, Self::Enabling | Self::Disabling)
    }

    /// Calls go to the replacements.
    pub(crate) fn is_enabled(self) -> bool {
        matches!(self, Self::Enabled | Self::Disabling)
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
}

/// What sysfs tells of a patch and the worker changes.
pub(crate) struct Status {
    pub(crate) state: State,
    /// Position among the enabled patches, from 1; 0 while disabled.
    pub(crate) stack_order: usize,
    pub(crate) figures: Figures,
    /// Why the last change was refused; `None` when it was done.
    pub(crate) error: Option<CString>,
    pub(crate) blockers: Blockers,
    /// Address of each function that was replaced, in the order of the declaration; empty before
    /// the patch was first enabled.
    pub(crate) addresses: KVec<usize>,
    /// Keeps the patch module loaded while it is enabled.
    pub(crate) pin: Option<ModuleRef>,
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
    /// A patch that is loaded and disabled.
    pub(crate) fn new(
        module: &'static ThisModule,
        declaration: &'static Declaration,
        deadline_ms: u32,
    ) -> Result<Arc<Self>> {
        let name = CString::try_from_fmt(fmt!("{}", modules::name(module)))?;
        Arc::pin_init(
            pin_init!(Self {
                module,
                name,
                text: modules::text(module),
                declaration,
                deadline_ms,
                status <- new_mutex!(Status {
                    state: State::Disabled,
                    stack_order: 0,
                    figures: Figures::default(),
                    error: None,
                    blockers: Blockers::none(),
                    addresses: KVec::new(),
                    pin: None,
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

    /// How many functions it replaces.
    pub(crate) fn functions(&self) -> usize {
        self.objects()
            .iter()
            .map(|object| object.functions().len())
            .sum()
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

    pub(crate) fn is_enabled(&self) -> bool {
        self.status.lock().state.is_enabled()
    }
}

impl Status {
    /// Keeps what the change that ended told.
    pub(crate) fn conclude(&mut self, figures: Figures, refusal: Option<&Refusal>) {
        self.figures = figures;
        self.error = refusal.and_then(|refusal| CString::try_from_fmt(fmt!("{}", refusal)).ok());
        self.blockers = refusal.map_or(Blockers::none(), |refusal| refusal.blockers.copy());
    }
}
