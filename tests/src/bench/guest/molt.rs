// SPDX-License-Identifier: GPL-2.0
//! molt: a patch is loaded, switched off and removed.

use std::time::Instant;

use anyhow::{ensure, Context, Result};

use super::functions::{self, Version};
use super::{since, Bench};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::module;
use crate::guest::patch::{self, Patch};

/// The name of the patch of that many functions.
pub fn name(functions: u32) -> String {
    format!("bench_molt_{functions}")
}

/// Loads the patch of that many functions. Says since when.
fn load(place: Place) -> Result<(Patch, Instant)> {
    let name = name(place.functions);
    let begun = Instant::now();
    module::load(&name).with_context(|| format!("insmod {name}"))?;
    Ok((Patch::loaded(&name), begun))
}

/// One change task by task, and the way back: until nobody is left behind.
pub fn measure_per_task(bench: &Bench<'_>, place: Place) -> Result<()> {
    patch::set_consistency("per_task")?;
    let (patch, begun) = load(place)?;
    patch.completes()?;
    bench.sample(figure::PER_TASK_APPLY, place, since(begun));
    functions::expect(Version::Molt, place.functions)?;

    let begun = Instant::now();
    patch.disable()?;
    patch.completes()?;
    bench.sample(figure::PER_TASK_UNDO, place, since(begun));
    functions::expect(Version::Old, place.functions)?;
    patch::set_consistency("stop_machine")?;
    bench.calmly(|| patch.remove())
}

/// One change and the way back. That they succeed means that no stack was unreliable and
/// no task inside.
pub fn measure(bench: &Bench<'_>, place: Place) -> Result<()> {
    let (patch, begun) = load(place)?;
    bench.sample(figure::APPLY, place, since(begun));
    functions::expect(Version::Molt, place.functions)?;
    let scanned = patch.number("tasks_scanned")?;
    ensure!(
        scanned > u64::from(place.threads),
        "{scanned} tasks were scanned"
    );
    bench.sample(figure::WINDOW, place, patch.number("stop_ns")?);
    bench.sample(figure::VERIFIED, place, patch.number("tasks_verified")?);
    bench.sample(figure::ATTEMPTS, place, patch.number("attempts")?);
    bench.sample(figure::OVERFLOWS, place, patch.number("overflows")?);

    let begun = Instant::now();
    patch.disable()?;
    bench.sample(figure::UNDO, place, since(begun));
    bench.sample(figure::UNDO_WINDOW, place, patch.number("stop_ns")?);
    functions::expect(Version::Old, place.functions)?;
    bench.calmly(|| patch.remove())
}
