// SPDX-License-Identifier: GPL-2.0

//! Looking at every stack: while the machine runs, and while it stands still.

use crate::{
    blockers::Found,
    edge::{
        stack::{self, Verdict},
        stop::Stopped,
        tasks::{self, Task},
    },
    exits::Exits,
    patch::Patch,
    ranges::Ranges,
};
use kernel::{
    prelude::*,
    time::{delay::fsleep, Delta},
};

/// Looks at every task while the machine runs. Process context.
///
/// It proves nothing; it finds who is in the way without stopping anyone. Left to [`verify`] are
/// tasks that run at this moment and those with a kretprobe on their stack, which may wake up while
/// they are looked at.
pub(crate) fn survey(ranges: Ranges<'_>, found: &mut Found) {
    found.clear();
    tasks::for_each(|task| {
        if !task.on_cpu() && !task.is_kretprobed() {
            found.note(task, stack::walk(task, ranges));
        }
    });
}

/// Verifies every task while all CPUs are held. Allocates nothing, waits for no lock.
///
/// Tasks on a CPU are the stopper threads, whose frames [`crate::refused`] keeps from being patched.
/// True when nobody is inside, and nobody can have been missed.
///
/// This step alone decides what a stop window costs, and can be replaced by itself.
pub(crate) fn verify(
    stopped: &Stopped<'_>,
    exits: &Exits,
    ranges: Ranges<'_>,
    found: &mut Found,
) -> bool {
    let mut look = |task: Task<'_>| {
        if task.is_kretprobed() && task.is_runnable() {
            found.note(task, Verdict::Unreliable(0));
        } else if !task.on_cpu() {
            found.note(task, stack::walk(task, ranges));
        }
    };
    tasks::for_each_stopped(stopped, &mut look);
    exits.for_each_stopped(stopped, &mut look) && found.is_clean()
}

/// Waits until no task is in the code of a disabled `patch`, whose module is about to go.
///
/// The change that disabled it has verified that already, and nothing calls a replacement since;
/// this catches what the patch itself may have left behind, a work item or a timer's sleeper. A
/// grace period of RCU-tasks would not do: it ends at a sleep, which may be in that code.
pub(crate) fn wait_until_left(patch: &Patch) {
    const TOLD_EVERY: u32 = 100;

    let Ok(mut found) = Found::new() else {
        pr_warn!(
            "{}: no memory to check its code before it goes\n",
            patch.name()
        );
        return;
    };
    let mut text = [patch.text()];
    let text = Ranges::new(&mut text);
    for round in 0u32.. {
        survey(text, &mut found);
        if found.inside == 0 {
            return;
        }
        if round % TOLD_EVERY == 0 {
            for line in found.told().lines() {
                pr_notice!(
                    "{}: not unloaded yet, in its code: {}\n",
                    patch.name(),
                    &**line
                );
            }
        }
        fsleep(Delta::from_millis(100));
    }
}
