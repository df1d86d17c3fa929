// SPDX-License-Identifier: GPL-2.0

//! One object of a patch on its way in and out: private symbols and callbacks around the change.
//!
//! ```text
//!           prepare             flip                begin_leaving
//!  Absent ───────────> Prepared ────> Patched ─────────────────────> Leaving
//!    ^  relocate,         │  │          ^  ^         pre_unpatch        │ │
//!    │  pre_patch         │  └─ patched ┘  └───────── patched ──────────┘ │
//!    │                    │    post_patch              post_patch (refused)
//!    └─────── release ────┴──────────────────────────── release ──────────┘
//!             post_unpatch (refused)                    post_unpatch
//! ```
//!
//! Only the holder of the registry moves an object. Callbacks are shown the patches `below`, which
//! stay loaded meanwhile, for what these hand over ([`crate::edge::mechanism::state`]). Callbacks
//! run without the patch's status locked, so that sysfs can be read meanwhile.

use crate::{
    api::{
        declaration::Object,
        target::Target, //
    },
    edge::{
        kernel::symbols::Table,
        klp::relocation, //
    },
    error::{
        Cause,
        Refusal, //
    },
    patch::{
        function,
        status::Phase,
        Patch, //
    },
    pure::ranges::Range, //
};
use kernel::{
    prelude::*,
    str::{
        BStr,
        CString, //
    },
    sync::Arc, //
};

/// What callbacks are told.
fn target<'a>(patch: &Patch, object: &Object, below: &'a &'a [Arc<Patch>]) -> Target<'a> {
    Target::new(object.name(), patch.is_forced(), below)
}

/// Binds what the patch's code needs of an object that is loaded, and asks `pre_patch`.
pub(crate) fn prepare(
    patch: &Patch,
    index: usize,
    object: &Object,
    below: &[Arc<Patch>],
) -> Result<(), Refusal> {
    if patch.phase(index) != Phase::Absent {
        return Ok(());
    }
    bind(patch, index, object)?;
    if let Some(pre_patch) = object.callbacks().pre_patch {
        if let Err(errno) = pre_patch(&target(patch, object, &below)) {
            return Err(Refusal::by_callback(
                errno,
                fmt!("pre_patch of {} returned {:?}", object.name(), errno),
            ));
        }
    }
    patch.set_phase(index, Phase::Prepared);
    Ok(())
}

/// Calls of the object go to the replacements now, or still do: calls `post_patch`.
pub(crate) fn patched(patch: &Patch, index: usize, object: &Object, below: &[Arc<Patch>]) {
    patch.set_phase(index, Phase::Patched);
    if let Some(post_patch) = object.callbacks().post_patch {
        post_patch(&target(patch, object, &below));
    }
}

/// Calls `pre_unpatch` of an object that is patched.
pub(crate) fn begin_leaving(patch: &Patch, index: usize, object: &Object, below: &[Arc<Patch>]) {
    if patch.phase(index) != Phase::Patched {
        return;
    }
    patch.set_phase(index, Phase::Leaving);
    if let Some(pre_unpatch) = object.callbacks().pre_unpatch {
        pre_unpatch(&target(patch, object, &below));
    }
}

/// Calls `post_unpatch` of an object that was prepared, and lets go of it.
pub(crate) fn release(patch: &Patch, index: usize, object: &Object, below: &[Arc<Patch>]) {
    if patch.phase(index) == Phase::Absent {
        return;
    }
    if let Some(post_unpatch) = object.callbacks().post_unpatch {
        post_unpatch(&target(patch, object, &below));
    }
    discard(patch, index);
}

/// Lets go of an object without a callback: of a patch that was superseded.
pub(crate) fn discard(patch: &Patch, index: usize) {
    patch.set_phase(index, Phase::Absent);
    patch.forget_addresses(index);
}

/// Binds the private symbols of `object`, until the module that they are in goes: somebody may
/// still be in the patch's code when that is not called any more, where a function was forced, or
/// in work of the patch's own. Each is looked at first, because the kernel tells which one is
/// missing in its log only.
fn bind(patch: &Patch, index: usize, object: &Object) -> Result<(), Refusal> {
    let Some(module) = object.module() else {
        // The loader has done it.
        return Ok(());
    };
    if patch.is_bound(index) {
        return Ok(());
    }
    for wanted in relocation::wanted(patch.module(), module) {
        let name = CString::try_from_fmt(fmt!("{}", BStr::from_bytes(wanted.name)))
            .map_err(|_| Refusal::no_memory())?;
        // The kernel counts all symbols, also those of a module that is being loaded.
        let none = Range::sized(0, 0);
        function::locate(Table::Module(module), module, &name, wanted.sympos, none)?;
    }
    relocation::apply(patch.module(), module).map_err(|errno| {
        Refusal::new(
            Cause::NotFound,
            fmt!("private symbols of {}: {:?}", module, errno),
        )
    })?;
    patch.set_bound(index, true);
    Ok(())
}

/// Undoes [`bind`]. The module is about to go, and nobody is in anything that belongs to it.
pub(crate) fn unbind(patch: &Patch, index: usize, object: &Object) {
    if let (true, Some(module)) = (patch.is_bound(index), object.module()) {
        relocation::clear(patch.module(), module);
        patch.set_bound(index, false);
    }
}
