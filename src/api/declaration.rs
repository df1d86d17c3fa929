// SPDX-License-Identifier: GPL-2.0

//! What a patch module sees of the core: the declaration that `patch!` writes, and its
//! registration.
//!
//! This is the binary interface between two modules. Its version is in `Kbuild` (`-Cmetadata`),
//! which is part of every mangled name: a patch module built against another version does not find
//! the core's symbols, and the loader refuses it. Whoever changes this file raises the version.

use crate::api::consistency::Consistency;
use crate::edge::kernel::modules;
use crate::edge::kernel::text::Text;
use crate::edge::klp::shadow;
use crate::edge::mechanism::global;
use crate::edge::mechanism::state::Previous;
use crate::edge::mechanism::state::StateHead;
use crate::patch::Patch;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;
use kernel::ThisModule;

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

    /// The same, replaced although tasks may be inside: its author knows that old and new may run
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

    pub(crate) fn replacement(&self) -> usize {
        self.replacement.address()
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.forced
    }
}

/// What a callback is told: the object that it is called for. Also the proof that a callback is
/// running, during which no patch changes.
pub struct Target<'a> {
    name: &'a CStr,
    forced: bool,
    /// The patches below the one that is called, oldest first. They stay loaded for `'a`.
    below: &'a [Arc<Patch>],
}

impl<'a> Target<'a> {
    pub(crate) fn new(patch: &Patch, object: &'a Object, below: &'a [Arc<Patch>]) -> Self {
        Self {
            name: object.name(),
            forced: patch.is_forced(),
            below,
        }
    }

    /// `vmlinux`, or the name of a module, which is loaded.
    #[inline]
    pub fn name(&self) -> &CStr {
        self.name
    }

    /// Whether it is the kernel's image.
    #[inline]
    pub fn is_vmlinux(&self) -> bool {
        self.name == c"vmlinux"
    }

    /// Whether tasks may be in the patch's code although it is off: functions were forced, by the
    /// patch itself or by the operator. What they use must stay then; so does the module.
    #[inline]
    pub fn is_forced(&self) -> bool {
        self.forced
    }
}

/// The state with this id of the newest patch below that has it. (No method, because rustc 1.85
/// does not survive exporting one whose type has a lifetime.)
pub(crate) fn previous<'a>(target: &Target<'a>, id: usize) -> Option<Previous<'a>> {
    let mut states = target.below.iter().rev().flat_map(|patch| patch.states());
    let head = states.find(|state| state.known().id == id)?;
    Some(Previous::new(head))
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

    /// The same with callbacks.
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

    /// The same with system states, each id once.
    pub const fn with_states(self, states: &'static [&'static StateHead]) -> Self {
        Self { states, ..self }
    }

    /// The same, but enabling it supersedes all patches before it.
    pub const fn replacing(self) -> Self {
        Self {
            replaces: true,
            ..self
        }
    }

    /// The same, changed task by task: who is inside of a function stays behind.
    pub const fn per_task(self) -> Self {
        self.with_consistency(Consistency::PerTask)
    }

    /// The same, changed at one instant at which nobody is inside; task by task if there is none up
    /// to the deadline.
    pub const fn auto(self) -> Self {
        self.with_consistency(Consistency::Auto)
    }

    /// The same, changed at one instant at which nobody is inside.
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

    /// Whether enabling it supersedes all patches before it.
    pub(crate) fn replaces(&self) -> bool {
        self.replaces
    }
}

/// A patch that is loaded. It is enabled when made, and gone from the kernel when dropped.
///
/// It owns nothing but its name, because what is dropped in a patch module is compiled into it.
pub struct Registration {
    module: &'static ThisModule,
}

impl Registration {
    /// Enables the patch that `declaration` describes; for a patch module's init.
    ///
    /// Process context. Waits until the change is done or refused, at most a little longer than
    /// `deadline_ms` milliseconds; being killed ends the attempt.
    ///
    /// # Errors
    ///
    /// The errno of the cause (`docs/abi.md`); nothing has changed then. The cause in words is in
    /// the log and in `/sys/kernel/molt/last_error`.
    pub fn new(
        module: &'static ThisModule,
        declaration: &'static Declaration,
        deadline_ms: u32,
    ) -> Result<Self> {
        let core = global::get().ok_or(ENODEV)?;
        let consistency = declaration.consistency.unwrap_or(core.consistency());
        core.load(Patch::new(module, declaration, deadline_ms, consistency)?)?;
        Ok(Self { module })
    }

    /// For a patch module's exit: the loader lets that run only while nobody holds the module, and
    /// an enabled patch does. Waits until no task is in the module's code.
    fn unload(&self) {
        if let Some(core) = global::get() {
            core.unload(modules::name(self.module));
        }
    }
}

impl Drop for Registration {
    #[inline(always)]
    fn drop(&mut self) {
        self.unload();
    }
}

macro_rules! export {
    ($($function:path),*) => {$(
        // An entry as `include/linux/export.h` writes it: licence, namespace, address.
        core::arch::global_asm!(
            ".section \".export_symbol\", \"a\"",
            "__export_symbol_{function}:",
            ".asciz \"GPL\"",
            ".asciz \"\"",
            ".balign 8",
            ".quad {function}",
            ".previous",
            function = sym $function,
        );
    )*};
}

export!(
    Registration::new,
    Registration::unload,
    previous,
    shadow::detach_all
);
