// SPDX-License-Identifier: GPL-2.0

//! What no call can come to any more, but some may have come to.

use crate::edge::{
    bindings,
    mechanism::{
        junction::Junction,
        task_probes::Probes, //
    }, //
};
use kernel::prelude::*;

/// Junctions that are asked no more, kept for handlers that are half way; and what their
/// transitions have needed, because to let go of it takes a while.
pub(crate) struct Reclaim {
    junctions: KVec<KBox<Junction>>,
    probes: KVec<Probes>,
}

impl Reclaim {
    pub(crate) const fn new() -> Self {
        Self {
            junctions: KVec::new(),
            probes: KVec::new(),
        }
    }

    /// Adds one. Without memory it is lost, which nobody can notice but by its size.
    pub(crate) fn add(&mut self, junction: KBox<Junction>) {
        match self.junctions.reserve(1, GFP_KERNEL) {
            Ok(()) => {
                let _ = self.junctions.push_within_capacity(junction);
            }
            Err(_) => {
                KBox::leak(junction);
            }
        }
    }

    /// Adds what a transition has needed. Without memory it is let go of at once.
    pub(crate) fn add_probes(&mut self, probes: Probes) {
        let _ = self.probes.push(probes, GFP_KERNEL);
    }

    /// Whether there is nothing to be let go of.
    pub(crate) fn is_empty(&self) -> bool {
        self.junctions.is_empty() && self.probes.is_empty()
    }
}

impl Drop for Reclaim {
    /// Frees them when no handler can hold one. Process context; sleeps for 10 to 100 ms if there
    /// are any, so not under the registry's lock.
    fn drop(&mut self) {
        // First: nobody comes by it any more.
        self.probes.clear();
        if self.junctions.is_empty() {
            return;
        }
        wait_for_handlers();
        // Newest first: each may point to those before it.
        while self.junctions.pop().is_some() {}
    }
}

/// As ftrace waits for its own handlers: first for those where RCU is not watching, then for tasks
/// that were preempted.
fn wait_for_handlers() {
    // SAFETY: may be called from any context that may sleep.
    unsafe {
        bindings::synchronize_rcu_tasks_rude();
        bindings::synchronize_rcu_tasks();
    }
}
