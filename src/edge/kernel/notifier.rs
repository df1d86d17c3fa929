// SPDX-License-Identifier: GPL-2.0

//! Being called when modules come and go: the module notifier.

use crate::edge::bindings;
use crate::edge::kernel::modules;
use crate::edge::kernel::modules::Listener;
use kernel::container_of;
use kernel::error::from_result;
use kernel::error::to_result;
use kernel::ffi;
use kernel::prelude::*;
use kernel::sync::Arc;
use kernel::types::Opaque;

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
pub(crate) struct Notifier<L: Listener>(KBox<Node<L>>);

// SAFETY: registering and unregistering may be done by any thread; the listener is `Send + Sync`.
unsafe impl<L: Listener> Send for Notifier<L> {}
// SAFETY: nothing can be done with a shared reference.
unsafe impl<L: Listener> Sync for Notifier<L> {}

impl<L: Listener> Notifier<L> {
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
            unsafe { modules::notify(&*node.listener, action, data) }?;
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

impl<L: Listener> Drop for Notifier<L> {
    fn drop(&mut self) {
        // SAFETY: registered by the type invariant; returns after all calls under way.
        unsafe { bindings::unregister_module_notifier(self.0.raw.get()) };
    }
}
