// SPDX-License-Identifier: GPL-2.0

//! How patch modules find the core that is loaded.

use core::sync::atomic::{AtomicPtr, Ordering};
use kernel::sync::Arc;

use crate::worker::Core;

/// Null, or an `Arc<Core>` turned raw that [`Published`] owns.
static CORE: AtomicPtr<Core> = AtomicPtr::new(core::ptr::null_mut());

/// The core can be found as long as this lives. Only the core module holds one.
pub(crate) struct Published(());

/// Lets patch modules find `core`.
pub(crate) fn publish(core: Arc<Core>) -> Published {
    // Release: partner of the acquire in `get`.
    CORE.store(Arc::into_raw(core).cast_mut(), Ordering::Release);
    Published(())
}

/// The core. Only for calls from a module that depends on the core module: its reference keeps the
/// core module from being unloaded, and so `Published` from being dropped meanwhile.
pub(crate) fn get() -> Option<Arc<Core>> {
    let raw = CORE.load(Ordering::Acquire);
    if raw.is_null() {
        return None;
    }
    // SAFETY: from `Arc::into_raw`; alive while it is published, which it is during the call.
    let borrowed = unsafe { kernel::sync::ArcBorrow::from_raw(raw) };
    Some(borrowed.into())
}

impl Drop for Published {
    fn drop(&mut self) {
        let raw = CORE.swap(core::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: `publish` stored it, and it is taken back only here.
        drop(unsafe { Arc::from_raw(raw) });
    }
}
