// SPDX-License-Identifier: GPL-2.0

//! What a patch declares, as `patch!` writes it.
//!
//! This is the binary interface between two modules. Its version is in `Kbuild` (`-Cmetadata`),
//! which is part of every mangled name: a patch module built against another version does not find
//! the core's symbols, and the loader refuses it. A change of this file raises the version.

use crate::{
    api::{
        consistency::Consistency,
        target::Target, //
    },
    edge::{
        kernel::text::Text,
        mechanism::state::StateHead, //
    },
    pure::address::FunctionAddress, //
};
use kernel::{
    prelude::*,
    str::CStr, //
};

/// One function and what replaces it.
pub struct Function {
    name: &'static CStr,
    sympos: u32,
    replacement: Text,
    forced: bool,
}

impl Function {
    /// `name` as in the symbol table; `sympos` as in livepatch: 0 for a name that is unique, else
    /// the 1-based position among the symbols of that name.
    pub const fn new(name: &'static CStr, sympos: u32, replacement: Text) -> Self {
        Self {
            name,
            sympos,
            replacement,
            forced: false,
        }
    }

    /// Has it replaced although tasks may be inside: its author knows that old and new may run
    /// at the same time. Its module then stays loaded for ever.
    pub const fn forced(self) -> Self {
        Self {
            forced: true,
            ..self
        }
    }

    pub(crate) fn name(&self) -> &'static CStr {
        self.name
    }

    pub(crate) fn sympos(&self) -> u32 {
        self.sympos
    }

    /// Whether both name the same function: a name that is unique is also the first of its kind.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name && self.sympos.max(1) == other.sympos.max(1)
    }

    pub(crate) fn replacement(&self) -> FunctionAddress {
        self.replacement.address()
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.forced
    }
}

/// What a patch does before and after one of its objects changes.
///
/// All run in process context, may sleep, and run outside of the stop window. No patch changes and
/// no module that a patch names comes or goes meanwhile, so they must not wait for either.
pub struct Callbacks {
    /// Before calls are redirected. An error refuses the change, or the load of a module that came
    /// later.
    pub pre_patch: Option<fn(&Target<'_>) -> Result>,
    /// After calls were redirected; also after a change back was refused.
    pub post_patch: Option<fn(&Target<'_>)>,
    /// Before calls are sent back.
    pub pre_unpatch: Option<fn(&Target<'_>)>,
    /// After calls were sent back; also when `pre_patch` succeeded and the change was refused.
    pub post_unpatch: Option<fn(&Target<'_>)>,
}

impl Callbacks {
    /// No callbacks.
    pub const NONE: Self = Self {
        pre_patch: None,
        post_patch: None,
        pre_unpatch: None,
        post_unpatch: None,
    };
}

/// The functions of the image or of one module.
pub struct Object {
    name: &'static CStr,
    functions: &'static [Function],
    callbacks: Callbacks,
}

impl Object {
    /// `name` is `vmlinux` or a module's.
    pub const fn new(name: &'static CStr, functions: &'static [Function]) -> Self {
        Self {
            name,
            functions,
            callbacks: Callbacks::NONE,
        }
    }

    /// Adds callbacks.
    pub const fn with_callbacks(self, callbacks: Callbacks) -> Self {
        Self { callbacks, ..self }
    }

    pub(crate) fn name(&self) -> &'static CStr {
        self.name
    }

    /// The module's name; `None` for the image.
    pub(crate) fn module(&self) -> Option<&'static CStr> {
        (self.name != c"vmlinux").then_some(self.name)
    }

    pub(crate) fn functions(&self) -> &'static [Function] {
        self.functions
    }

    /// Whether it has a function, or several, of this name.
    pub(crate) fn names(&self, function: &CStr) -> bool {
        self.functions.iter().any(|one| one.name() == function)
    }

    pub(crate) fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }
}

/// All that a patch replaces.
pub struct Declaration {
    objects: &'static [Object],
    states: &'static [&'static StateHead],
    replaces: bool,
    consistency: Option<Consistency>,
}

impl Declaration {
    /// The objects, each named once.
    pub const fn new(objects: &'static [Object]) -> Self {
        Self {
            objects,
            states: &[],
            replaces: false,
            consistency: None,
        }
    }

    /// Adds system states, each id once.
    pub const fn with_states(self, states: &'static [&'static StateHead]) -> Self {
        Self { states, ..self }
    }

    /// Has the patch supersede all patches before it when it is enabled.
    pub const fn replacing(self) -> Self {
        Self {
            replaces: true,
            ..self
        }
    }

    /// Has it changed task by task: a task that is inside a function stays behind.
    pub const fn per_task(self) -> Self {
        self.with_consistency(Consistency::PerTask)
    }

    /// Has it changed at one instant at which nobody is inside; task by task if there is none up
    /// to the deadline.
    pub const fn auto(self) -> Self {
        self.with_consistency(Consistency::Auto)
    }

    /// Has it changed at one instant at which nobody is inside.
    pub const fn stop_machine(self) -> Self {
        self.with_consistency(Consistency::StopMachine)
    }

    const fn with_consistency(self, consistency: Consistency) -> Self {
        Self {
            consistency: Some(consistency),
            ..self
        }
    }

    pub(crate) fn objects(&self) -> &'static [Object] {
        self.objects
    }

    pub(crate) fn states(&self) -> &'static [&'static StateHead] {
        self.states
    }

    /// The model that its author has chosen.
    pub(crate) fn consistency(&self) -> Option<Consistency> {
        self.consistency
    }

    /// Whether enabling it supersedes all patches before it.
    pub(crate) fn replaces(&self) -> bool {
        self.replaces
    }
}
