// SPDX-License-Identifier: GPL-2.0

//! What no call can come to any more, but some may have come to.

use super::{bindings, junction::Junction};
use kernel::prelude::*;

/// Junctions that are asked no more, kept for handlers that are half way.
pub(crate) struct Retired(KVec<KBox<Junction>>);

impl Retired {
    pub(crate) const fn new() -> Self {
        Self(KVec::new())
    }

    /// Adds one. Without memory it is lost, which nobody can notice but by its size.
    pub(crate) fn add(&mut self, junction: KBox<Junction>) {
        match self.0.reserve(1, GFP_KERNEL) {
            Ok(()) => {
                let _ = self.0.push_within_capacity(junction);
            }
            Err(_) => {
                KBox::leak(junction);
            }
        }
    }

    /// Frees them when no handler can hold one. Process context; sleeps for 10 to 100 ms if there are any.
    pub(crate) fn free(self) {
        if self.0.is_empty() {
            return;
        }
        wait_for_handlers();
        // Newest first: each may point to those before it.
        let mut junctions = self.0;
        while junctions.pop().is_some() {}
    }
}

/// As ftrace waits for its own handlers: first for those where RCU is not watching, then for tasks that
/// were preempted.
fn wait_for_handlers() {
    // SAFETY: may be called from any context that may sleep.
    unsafe {
        bindings::synchronize_rcu_tasks_rude();
        bindings::synchronize_rcu_tasks();
    }
}
