// SPDX-License-Identifier: GPL-2.0

//! How patch modules find the core that is loaded.

use crate::change::engine::Core;
use crate::edge::klp::shadow;
use kernel::prelude::*;
use kernel::sync::global_lock;
use kernel::sync::Arc;

global_lock! {
    // SAFETY: initialised by `publish`, before any other module can call into this one.
    unsafe(uninit) static CORE: Mutex<Option<Arc<Core>>> = None;
}

/// The core can be found as long as this lives. Only the core module holds one.
pub(crate) struct Published(());

/// Lets patch modules find `core`. For the core module's init.
pub(crate) fn publish(core: Arc<Core>) -> Published {
    // SAFETY: called once each time the module is loaded, by its init: a patch module's symbols are
    // resolved against this one only after that has returned.
    unsafe {
        CORE.init();
        shadow::init();
    }
    *CORE.lock() = Some(core);
    Published(())
}

/// The core; `None` while it is being unloaded.
pub(crate) fn get() -> Option<Arc<Core>> {
    CORE.lock().clone()
}

impl Drop for Published {
    fn drop(&mut self) {
        let core = CORE.lock().take();
        // Not under the lock: it may be the last reference.
        drop(core);
    }
}
