// SPDX-License-Identifier: GPL-2.0

//! Kernel modules: whether they are there, their text, references that keep them loaded, and
//! being called when they come and go.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)

use crate::{
    edge::bindings::{
        self,
        private, //
    },
    pure::ranges::Range, //
};
use kernel::{
    container_of,
    error::{
        from_result,
        to_result, //
    },
    ffi,
    prelude::*,
    str::CStr,
    sync::{
        rcu,
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque,
    ThisModule, //
};

#[allow(improper_ctypes, reason = "as bindgen's own declarations of this type")]
unsafe extern "C" {
    /// The core's own; each release of the `kernel` crate has another name for it.
    static __this_module: Opaque<bindings::module>;
}

/// Keeps a patch module from being unloaded.
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

    /// Never gives the reference back: the module stays loaded for ever.
    pub(crate) fn keep(self) {
        core::mem::forget(self);
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: by the type invariant one reference is ours.
        unsafe { bindings::module_put(self.0) }
    }
}

/// A module that was there when it was looked at. It holds nothing: it is data about the module.
#[derive(Clone, Copy)]
pub(crate) struct Module {
    /// Its address, which tells it from all modules that are loaded at the same time.
    pub(crate) id: ModuleId,
    /// Its code.
    pub(crate) text: Range,
    /// Its code that goes away when its init has returned; empty after that.
    pub(crate) init_text: Range,
}

/// What tells a module from all others that are loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModuleId(usize);

/// How far a module is.
pub(crate) enum Presence {
    /// Not there, or none of its code runs yet or any more.
    Absent,
    /// Its init or its exit has not returned yet, as far as can be seen.
    Passing,
    /// Loaded. It stays at least until the core has been told that it goes
    /// ([`ModuleListener::going`]).
    Here(Module),
}

/// Looks for the module called `name`. Process context.
pub(crate) fn find(name: &CStr) -> Presence {
    let _guard = rcu::read_lock();
    // SAFETY: the RCU read section keeps a module that is found from being freed; the state is a
    // word that changes at any time.
    unsafe {
        let module = private::find_module(name.as_char_ptr());
        if module.is_null() {
            return Presence::Absent;
        }
        match core::ptr::read_volatile(&raw const (*module).state) {
            bindings::module_state_MODULE_STATE_LIVE => Presence::Here(Module::from_raw(module)),
            bindings::module_state_MODULE_STATE_COMING
            | bindings::module_state_MODULE_STATE_GOING => Presence::Passing,
            _ => Presence::Absent,
        }
    }
}

impl Module {
    /// # Safety
    ///
    /// `module` must be a module that is not freed during the call.
    unsafe fn from_raw(module: *mut bindings::module) -> Self {
        Self {
            id: ModuleId(module as usize),
            // SAFETY: by the requirement.
            text: unsafe { text_of(module, bindings::mod_mem_type_MOD_TEXT) },
            // SAFETY: as above.
            init_text: unsafe { text_of(module, bindings::mod_mem_type_MOD_INIT_TEXT) },
        }
    }
}

/// # Safety
///
/// `module` must be a module that is not freed during the call.
unsafe fn text_of(module: *mut bindings::module, part: bindings::mod_mem_type) -> Range {
    // SAFETY: by the requirement. A part that goes away has size 0 then; a mixture of old and new
    // is a range that is too large, or empty.
    let memory = unsafe { core::ptr::read_volatile(&raw const (*module).mem[part as usize]) };
    Range::sized(memory.base as usize, memory.size as usize)
}

/// # Safety
///
/// `module` must be valid for `'a`.
unsafe fn name_of<'a>(module: *mut bindings::module) -> &'a CStr {
    // SAFETY: by the requirement; the name is a terminated string inside the module.
    unsafe { CStr::from_char_ptr((&raw const (*module).name).cast()) }
}

/// The module's name as `/proc/modules` shows it.
pub(crate) fn name(module: &'static ThisModule) -> &'static CStr {
    // SAFETY: the module outlives its `ThisModule`.
    unsafe { name_of(module.as_ptr()) }
}

/// All code of the module that stays after its init: what must be on no stack when it goes.
pub(crate) fn text(module: &'static ThisModule) -> Range {
    // SAFETY: the module outlives its `ThisModule`.
    unsafe { text_of(module.as_ptr(), bindings::mod_mem_type_MOD_TEXT) }
}

/// Keeps the core module loaded for ever. Process context; does not return when the core is being
/// unloaded.
pub(crate) fn keep_core() {
    // SAFETY: called from the core's own code, so the module is there.
    if !unsafe { bindings::try_module_get(__this_module.get()) } {
        stay();
    }
}

/// For the exit of a module that must not go, and cannot be kept from that otherwise. Process
/// context.
pub(crate) fn stay() -> ! {
    loop {
        // Not so long that it is taken for a task that hangs (`kernel/hung_task.c`).
        fsleep(Delta::from_secs(30));
    }
}

/// Wants to hear of modules that come and go. Both are called in process context, by the task that
/// loads or unloads the module, and may sleep.
pub(crate) trait ModuleListener: Send + Sync + 'static {
    /// A module is complete and none of its code has run yet. An error refuses its load.
    fn coming(&self, name: &CStr, module: Module) -> Result;

    /// A module's last code has run (its exit, or an init that failed), or another listener has
    /// refused it. It is freed after this.
    fn going(&self, name: &CStr, module: Module);
}

/// # Safety
///
/// Called by the module loader with a module as `data`.
unsafe fn notify<L: ModuleListener>(listener: &L, action: usize, data: *mut ffi::c_void) -> Result {
    let module = data.cast::<bindings::module>();
    // SAFETY: by the requirement; the loader keeps it during the call.
    let (name, module) = unsafe { (name_of(module), Module::from_raw(module)) };
    match action as bindings::module_state {
        bindings::module_state_MODULE_STATE_COMING => {
            // User space takes EEXIST for success: the module is there. The loader changes it so
            // too when a module's init returns it.
            let refused = |error| if error == EEXIST { EBUSY } else { error };
            listener.coming(name, module).map_err(refused)
        }
        bindings::module_state_MODULE_STATE_GOING => {
            listener.going(name, module);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Before every other notifier: what claims functions of a module that comes (a kprobe, say) must
/// not be there first, or the fix would be refused and the module with it.
const PRIORITY: ffi::c_int = ffi::c_int::MAX;

#[repr(C)]
struct Node<L> {
    raw: Opaque<bindings::notifier_block>,
    listener: Arc<L>,
}

/// A listener that is connected; dropping it waits until it is called no more.
///
/// # Invariants
///
/// The node's notifier block is registered.
pub(crate) struct Notifier<L: ModuleListener>(KBox<Node<L>>);

// SAFETY: registering and unregistering may be done by any thread; the listener is `Send + Sync`.
unsafe impl<L: ModuleListener> Send for Notifier<L> {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl<L: ModuleListener> Sync for Notifier<L> {}

impl<L: ModuleListener> Notifier<L> {
    /// Connects `listener`. Process context.
    pub(crate) fn new(listener: Arc<L>) -> Result<Self> {
        let raw = bindings::notifier_block {
            notifier_call: Some(Self::call),
            priority: PRIORITY,
            ..Default::default()
        };
        let node = KBox::new(
            Node {
                raw: Opaque::new(raw),
                listener,
            },
            GFP_KERNEL,
        )?;
        // SAFETY: the block stays where it is, in its box, until it has been unregistered.
        to_result(unsafe { bindings::register_module_notifier(node.raw.get()) })?;
        // INVARIANT: registered just now.
        Ok(Self(node))
    }

    /// # Safety
    ///
    /// Called by the module loader with the block of a `Node<L>` and a module.
    unsafe extern "C" fn call(
        block: *mut bindings::notifier_block,
        action: ffi::c_ulong,
        data: *mut ffi::c_void,
    ) -> ffi::c_int {
        // SAFETY: by the requirement; `drop` waits for us before it frees the node.
        let node = unsafe {
            &*container_of!(
                block.cast::<Opaque<bindings::notifier_block>>(),
                Node<L>,
                raw
            )
        };
        // `notifier_from_errno` and `NOTIFY_OK` of `include/linux/notifier.h`.
        let refused = from_result(|| {
            // SAFETY: by the requirement.
            unsafe { notify(&*node.listener, action, data) }?;
            Ok(0)
        });
        match refused {
            0 => bindings::NOTIFY_OK as ffi::c_int,
            errno => {
                bindings::NOTIFY_STOP_MASK as ffi::c_int
                    | (bindings::NOTIFY_OK as ffi::c_int).wrapping_sub(errno)
            }
        }
    }
}

impl<L: ModuleListener> Drop for Notifier<L> {
    fn drop(&mut self) {
        // SAFETY: registered by the type invariant; returns after all calls under way.
        unsafe { bindings::unregister_module_notifier(self.0.raw.get()) };
    }
}
