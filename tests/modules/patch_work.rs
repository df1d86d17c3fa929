// SPDX-License-Identifier: GPL-2.0

//! Does what it must not: a work item that it starts when it is taken off is still in its code
//! after that.

use core::sync::atomic::{AtomicBool, Ordering};
use kernel::{
    time::{delay::fsleep, Delta},
    workqueue,
};
use molt::prelude::*;

patch! {
    description: "Leaves a work item behind",
    license: "GPL",
    target: {
        target_value: unsafe extern "C" fn() -> c_int => two,
        callbacks {
            post_unpatch: start,
        },
    },
}

extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

/// Replaces `target_value`.
extern "C" fn two() -> c_int {
    2
}

/// The work item runs.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Returns when the work item is in this module's code: one that is queued only, nobody could find.
fn start(_: &Target<'_>) {
    let started = workqueue::system_long().try_spawn(GFP_KERNEL, || {
        BEGUN.store(true, Ordering::Relaxed);
        // SAFETY: It only sleeps.
        unsafe { target_wait() };
    });
    while started.is_ok() && !BEGUN.load(Ordering::Relaxed) {
        fsleep(Delta::from_millis(1));
    }
}
