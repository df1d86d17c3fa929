// SPDX-License-Identifier: GPL-2.0

//! Looking at every stack: while the machine runs, and while it stands still.

use crate::{
    blockers::Found,
    edge::{
        stack,
        stop::{stop_machine, Stopped},
        tasks::{self, Task},
    },
    exits::Exits,
    patch::Patch,
    ranges::Ranges,
};
use kernel::{
    current,
    prelude::*,
    time::{delay::fsleep, Delta},
};

/// Looks at every task while the machine runs. Process context.
///
/// It proves nothing; it finds who is in the way without stopping anyone. Tasks that run at this
/// moment cannot be looked at and are left to [`verify`].
pub(crate) fn survey(exits: &Exits, ranges: Ranges<'_>, found: &mut Found) {
    found.clear();
    let mut look = looker(ranges, found);
    tasks::for_each(&mut look);
    exits.for_each(&mut look);
}

/// Verifies every task while all CPUs are held. Allocates nothing, waits for no lock. True when
/// nobody is inside, and nobody can have been missed.
///
/// Tasks on a CPU are the stopper threads, whose frames [`crate::refused`] keeps from being patched.
///
/// This step alone decides what a stop window costs, and can be replaced by itself.
pub(crate) fn verify(
    stopped: &Stopped<'_>,
    exits: &Exits,
    ranges: Ranges<'_>,
    found: &mut Found,
) -> bool {
    found.clear();
    let complete = {
        let mut look = looker(ranges, found);
        tasks::for_each_stopped(stopped, &mut look);
        exits.for_each_stopped(stopped, &mut look)
    };
    complete && found.is_clean()
}

/// Looks at one task and takes note of it.
fn looker<'a>(ranges: Ranges<'a>, found: &'a mut Found) -> impl FnMut(Task<'_>) + 'a {
    move |task| {
        if !task.on_cpu() {
            found.note(task, stack::walk(task, ranges));
        }
    }
}

/// Waits until no task but the caller is in the code of a disabled `patch`, whose module is about to
/// go. Process context; the caller is in the module's exit.
///
/// The change that disabled it has verified that already, and nothing calls a replacement since;
/// this catches what the patch itself may have left behind, such as a work item. A grace period of
/// RCU-tasks would not do: it ends at a sleep, which may be in that code.
pub(crate) fn wait_until_left(patch: &Patch, exits: &Exits) {
    const PAUSE_MS: i64 = 100;
    const TOLD_EVERY: u32 = 100;

    let mut text = [patch.text];
    let text = Ranges::new(&mut text);
    let Ok(mut found) = Found::without(current!().pid()) else {
        pr_warn!("{}: no memory to look who is in its code\n", patch.name());
        return;
    };
    for round in 0u32.. {
        survey(exits, text, &mut found);
        if found.inside == 0 {
            exits.complete();
            // Those that ran, too. Where a stack cannot be walked to its end, the frames up to there
            // have been looked at, and more cannot be known.
            let looked = stop_machine(|stopped| {
                verify(stopped, exits, text, &mut found);
            });
            if looked.is_ok() && found.inside == 0 {
                return;
            }
        }
        if round % TOLD_EVERY == 0 {
            let who = found.told();
            pr_notice!(
                "{}: not unloaded yet, in its code{}\n",
                patch.name(),
                who.few()
            );
        }
        fsleep(Delta::from_millis(PAUSE_MS));
    }
}
