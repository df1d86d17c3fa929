// SPDX-License-Identifier: GPL-2.0

//! Where a patch stands, and what its last change told: what sysfs shows.

use crate::{
    api::{
        consistency::Consistency,
        declaration::Object, //
    },
    edge::kernel::modules::ModuleRef,
    error::Refusal,
    patch::{
        redirection::Redirection,
        stragglers::Stragglers, //
    },
    pure::address::FunctionAddress,
    stacks::blockers::Blockers, //
};
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// Where a patch stands.
///
/// ```text
///            write 1                flip, last straggler
///  Disabled ─────────> Enabling ─────────────────────────> Enabled
///     ^  ^                │  ^                                │
///     │  └── refused ─────┘  │ reversed (write 0, write 1)    │ write 0
///     │                      v                                v
///     └───────────────── Disabling <──────────────────────────┘
///    flip, last straggler    └── refused: Enabled again
///
///  Loading ── flip ──> Enabled; Enabling as long as there are stragglers
///     └── refused: the module goes
///  any but Loading ── a patch that replaces all others is on ──> Superseded, for good
/// ```
///
/// `Enabling` and `Disabling` last while a change is tried and, after a flip that has left tasks
/// behind, until the last of them has followed. A refusal takes the patch back to where it was.
/// The registry's holder moves a patch, under the lock of its status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
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

impl Progress {
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

/// Where an object of a patch stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not there, or not concerned.
    Absent,
    /// Its private symbols are bound, and `pre_patch` has agreed.
    Prepared,
    /// Calls go to the replacements.
    Patched,
    /// They still do, and `pre_unpatch` has been called.
    Leaving,
}

impl Phase {
    /// Calls go to the replacements.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, Self::Patched | Self::Leaving)
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
    pub(crate) progress: Progress,
    /// The last flip was to the replacements.
    pub(crate) enabled: bool,
    /// Position among the enabled patches, from 1; 0 while disabled.
    pub(crate) stack_order: usize,
    pub(crate) consistency: Consistency,
    /// While its transition is under way: the tasks that it has left behind.
    pub(crate) stragglers: Option<Arc<Stragglers>>,
    pub(crate) redirection: Redirection,
    /// All functions that it is the newest patch of have jumps.
    pub(crate) jumps: bool,
    pub(crate) figures: Figures,
    /// Why the last change was refused; `None` when it was done.
    pub(crate) error: Option<CString>,
    pub(crate) blockers: Blockers,
    /// In the order of the declaration.
    pub(crate) objects: KVec<ObjectStatus>,
    /// Keeps the patch module loaded while it is enabled.
    pub(crate) pin: Option<ModuleRef>,
    /// A function was replaced although tasks may have been inside: the module stays for ever.
    pub(crate) forced: bool,
}

/// How far an object of a patch is; see [`crate::patch::lifecycle`].
pub(crate) struct ObjectStatus {
    pub(crate) phase: Phase,
    /// The private symbols of the object have their addresses.
    pub(crate) bound: bool,
    /// Address of each function that is replaced, in the order of the declaration.
    pub(crate) addresses: KVec<Option<FunctionAddress>>,
}

impl Status {
    /// That of a patch that is loaded and about to be enabled, with these objects.
    pub(crate) fn new(consistency: Consistency, objects: &[Object]) -> Result<Self> {
        let mut statuses = KVec::with_capacity(objects.len(), GFP_KERNEL)?;
        for object in objects {
            let status = ObjectStatus {
                phase: Phase::Absent,
                bound: false,
                addresses: KVec::from_elem(None, object.functions().len(), GFP_KERNEL)?,
            };
            statuses.push(status, GFP_KERNEL)?;
        }
        Ok(Self {
            progress: Progress::Loading,
            enabled: false,
            stack_order: 0,
            consistency,
            stragglers: None,
            redirection: Redirection::Ftrace,
            jumps: false,
            figures: Figures::default(),
            error: None,
            blockers: Blockers::none(),
            objects: statuses,
            pin: None,
            forced: false,
        })
    }

    /// Keeps why a module that came was not loaded.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        self.error = CString::try_from_fmt(fmt!("{}", refusal)).ok();
    }

    /// Publishes where the patch is. A reader that finds it off can unload its module: that has
    /// been let go by then.
    pub(crate) fn enter(&mut self, progress: Progress) {
        match progress {
            Progress::Enabled => self.enabled = true,
            Progress::Disabled | Progress::Superseded => {
                self.enabled = false;
                self.pin = None;
            }
            Progress::Loading | Progress::Enabling | Progress::Disabling => {}
        }
        self.progress = progress;
    }

    /// Keeps what the change that ended told.
    pub(crate) fn conclude(&mut self, figures: Figures, refusal: Option<&Refusal>) {
        self.figures = figures;
        self.error = refusal.and_then(|refusal| CString::try_from_fmt(fmt!("{}", refusal)).ok());
        self.blockers = refusal.map_or(Blockers::none(), |refusal| refusal.blockers.copy());
    }
}
