// SPDX-License-Identifier: GPL-2.0

//! Kernel modules: their text, and references that keep them loaded.

use super::bindings::{self, private};
use crate::{ranges::Range, Molt};
use kernel::{module::this_module, prelude::*, str::CStr, sync::rcu, ThisModule};

/// Keeps a module from being unloaded.
///
/// # Invariants
///
/// The pointer is a loaded module of which one reference is held.
pub(crate) struct ModuleRef(*mut bindings::module);

// SAFETY: a module reference may be dropped by any thread; `module_put` is atomic.
unsafe impl Send for ModuleRef {}
// SAFETY: nothing can be changed through a shared reference.
unsafe impl Sync for ModuleRef {}

impl ModuleRef {
    /// Takes a reference on the patch module `module`; `ENODEV` when it is being unloaded.
    pub(crate) fn get(module: &'static ThisModule) -> Result<Self> {
        // SAFETY: a `ThisModule` is a module that has not been freed.
        if unsafe { bindings::try_module_get(module.as_ptr()) } {
            // INVARIANT: taken just now.
            Ok(Self(module.as_ptr()))
        } else {
            Err(ENODEV)
        }
    }

    /// Finds a loaded module by name and takes a reference; `None` when there is none, or when it is
    /// being loaded or unloaded. A module whose init has not returned yet cannot be kept: when the
    /// init fails it goes whatever its count.
    pub(crate) fn find(name: &CStr) -> Option<Self> {
        let _guard = rcu::read_lock();
        // SAFETY: the RCU read section keeps a module that is found from being freed until the
        // reference is taken.
        unsafe {
            let module = private::find_module(name.as_char_ptr());
            if module.is_null() || !bindings::try_module_get(module) {
                return None;
            }
            // INVARIANT: taken just now.
            let found = Self(module);
            let state = core::ptr::read_volatile(&raw const (*module).state);
            (state == bindings::module_state_MODULE_STATE_LIVE).then_some(found)
        }
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: by the type invariant one reference is ours.
        unsafe { bindings::module_put(self.0) }
    }
}

/// The module's name as `/proc/modules` shows it.
pub(crate) fn name(module: &'static ThisModule) -> &'static CStr {
    // SAFETY: the name is a terminated string inside the module, which outlives its `ThisModule`.
    unsafe { CStr::from_char_ptr((&raw const (*module.as_ptr()).name).cast()) }
}

/// All code of the module that stays after its init: what must be on no stack when it goes.
pub(crate) fn text(module: &'static ThisModule) -> Range {
    // SAFETY: the layout of a loaded (or loading) module does not change.
    let text = unsafe { &(*module.as_ptr()).mem[bindings::mod_mem_type_MOD_TEXT as usize] };
    Range::sized(text.base as usize, text.size as usize)
}

/// Keeps the core module loaded for ever.
pub(crate) fn keep_core() {
    // SAFETY: called from the core's own code, so the module is there.
    unsafe { bindings::__module_get(this_module::<Molt>().as_ptr()) }
}
