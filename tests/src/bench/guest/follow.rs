// SPDX-License-Identifier: GPL-2.0
//! How long it takes a transition to end when the last task has left.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::functions::Version;
use super::livepatch::{self, Livepatch};
use super::planted::Planted;
use super::{molt, since, Bench};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::patch::{self, Patch};

/// The number of functions that this is measured with: one of them is that which tasks can be
/// asleep in.
pub const FUNCTIONS: u32 = 10;

/// One round each. A transition is looked at from time to time, so when the task is woken has to
/// differ.
pub fn measure(bench: &Bench<'_>, place: Place, round: u32) -> Result<()> {
    let planted = Planted::new()?;
    patch::set_consistency("per_task")?;
    let patch = Patch::load(&molt::name(place.functions))?;
    patch.expect_left(1)?;
    thread::sleep(Duration::from_millis(200 + 10 * u64::from(round)));
    let begun = Instant::now();
    planted.wake()?;
    livepatch::until("the transition ends", || Ok(!patch.is_changing()))?;
    bench.sample(figure::PER_TASK_FOLLOW, place, since(begun));
    planted.leave(Version::Old)?;
    patch.disable()?;
    patch.completes()?;
    patch::set_consistency("stop_machine")?;
    bench.calmly(|| patch.remove())?;
    if bench.plan.has_livepatch(place) {
        livepatch(bench, place, round)?;
    }
    Ok(())
}

fn livepatch(bench: &Bench<'_>, place: Place, round: u32) -> Result<()> {
    let planted = Planted::new()?;
    let livepatch = Livepatch::load(place.functions)?;
    // It looks every second; all others have been moved by then.
    thread::sleep(Duration::from_millis(3000 + 200 * u64::from(round)));
    let begun = Instant::now();
    planted.wake()?;
    livepatch.settle()?;
    bench.sample(figure::LIVEPATCH_FOLLOW, place, since(begun));
    planted.leave(Version::Old)?;
    livepatch.disable()?;
    livepatch.settle()?;
    bench.calmly(|| livepatch.remove())
}
