// SPDX-License-Identifier: GPL-2.0

//! The last look before a patch module goes.

use crate::{
    edge::{
        kernel::stop::stop_machine,
        mechanism::recorder::Recording, //
    },
    patch::Patch,
    pure::ranges::Ranges,
    registry::shared::Shared,
    stacks::{
        blockers::Found,
        judge::{
            Judge,
            Verdict, //
        },
        scan::Scan, //
    }, //
};
use kernel::{
    current,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// How long to wait until the next look, in milliseconds.
const PAUSE_MS: i64 = 100;

/// Waits until no task but the caller is in the code of a disabled `patch`, whose module is about
/// to go. Process context; the caller is in the module's exit, which cannot fail: without memory it
/// waits, too.
///
/// The change that disabled it has verified that already, and nothing calls a replacement since;
/// this catches what the patch itself may have left behind, such as a work item. A grace period of
/// RCU-tasks would not do: it ends at a sleep, which may be in that code.
pub(crate) fn wait_until_unused(patch: &Patch, shared: &Shared) {
    let mut told = false;
    while try_wait(patch, shared).is_err() {
        if !told {
            pr_warn!(
                "{}: not unloaded yet, no memory to look who is in its code\n",
                patch.name()
            );
        }
        told = true;
        fsleep(Delta::from_millis(PAUSE_MS));
    }
}

fn try_wait(patch: &Patch, shared: &Shared) -> Result {
    let recording = shared.record()?;
    let waited = wait_recording(patch, shared, &recording);
    shared.keep(recording.stop());
    waited
}

fn wait_recording(patch: &Patch, shared: &Shared, recording: &Recording) -> Result {
    const TOLD_EVERY: u32 = 100;
    const PATIENCE: u32 = 100;
    const LOOKS: u32 = 10;

    let mut text = [patch.text];
    let text = Ranges::new(&mut text);
    let found = Found::without(current!().pid())?;
    let mut scan = Scan::new(&shared.exits, recording, Judge::new(text, found));
    let (mut round, mut seen) = (0u32, false);
    loop {
        scan.look();
        seen |= scan.judge.found.inside != 0;
        if scan.judge.found.inside == 0 {
            // A caller that waits in vain for a short enough window gets a longer one in the end.
            let budget = if round < PATIENCE {
                shared.budget_ns()
            } else {
                0
            };
            let verdict = stop_machine(|stopped| scan.verify(stopped, budget));
            seen |= scan.judge.found.inside != 0;
            match verdict {
                Ok((Verdict::Clear, _)) => return Ok(()),
                // Some stack cannot be walked to its end. That passes, mostly; and if not, it is
                // not waited for for ever, unless somebody was seen inside, whose stack it may be.
                Ok((Verdict::Blocked, _)) if !seen && round >= LOOKS => return Ok(()),
                _ => {}
            }
        }
        if round % TOLD_EVERY == 0 && scan.judge.found.inside != 0 {
            let who = scan.judge.found.told();
            pr_notice!(
                "{}: not unloaded yet, in its code{}\n",
                patch.name(),
                who.few()
            );
        }
        round = round.wrapping_add(1);
        fsleep(Delta::from_millis(PAUSE_MS));
    }
}
