// SPDX-License-Identifier: GPL-2.0

//! Counting the CPUs that went: tracepoints do not speak on a CPU that is not online any more,
//! though it still switches once or twice.
//!
//! C header: [`include/linux/cpuhotplug.h`](srctree/include/linux/cpuhotplug.h)

use crate::edge::bindings;
use core::sync::atomic::{
    AtomicUsize,
    Ordering, //
};
use kernel::{
    ffi,
    prelude::*, //
};

static GONE: AtomicUsize = AtomicUsize::new(0);

/// CPUs are counted as long as this lives. Only the core holds one.
///
/// # Invariants
///
/// The state is registered.
pub(crate) struct Hotplug(bindings::cpuhp_state);

impl Hotplug {
    /// Process context; waits for a CPU that comes or goes.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: the callback is a function of this module, which removes it before it goes. The
        // state is one of those before a CPU runs, so the callback is called after it has stopped
        // to.
        let state = unsafe {
            bindings::__cpuhp_setup_state(
                bindings::cpuhp_state_CPUHP_BP_PREPARE_DYN,
                c"molt".as_char_ptr(),
                false,
                None,
                Some(count),
                false,
            )
        };
        if state < 0 {
            return Err(Error::from_errno(state));
        }
        // INVARIANT: registered just now.
        Ok(Self(state as bindings::cpuhp_state))
    }
}

impl Drop for Hotplug {
    fn drop(&mut self) {
        // SAFETY: registered by the type invariant.
        unsafe { bindings::__cpuhp_remove_state(self.0, false) }
    }
}

/// How many CPUs have gone so far. A CPU that is about to go is counted when it is gone; in a stop
/// window none is.
pub(crate) fn gone() -> usize {
    GONE.load(Ordering::Acquire)
}

/// # Safety
///
/// None: it only counts.
unsafe extern "C" fn count(_cpu: ffi::c_uint) -> ffi::c_int {
    GONE.fetch_add(1, Ordering::Release);
    0
}
