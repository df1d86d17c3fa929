// SPDX-License-Identifier: GPL-2.0
//! `bench_walk.ko`: a window in which all tasks are looked at, and one with nothing in it.

use anyhow::{ensure, Result};

use super::{functions, Bench};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::check;

/// One window of each kind. In none may a task be inside a function, and no stack may be
/// too deep, or the walk would have ended early.
pub fn measure(bench: &Bench<'_>, place: Place) -> Result<()> {
    let [empty, whole] = functions::numbers("bench_walk/empty")?;
    bench.sample(figure::EMPTY, place, empty);
    bench.sample(figure::EMPTY_WHOLE, place, whole);

    let file = format!("bench_walk/walk_{}", place.functions);
    let [ns, _, tasks, addresses, too_deep, inside] = functions::numbers(&file)?;
    check::equal("stacks that are too deep", too_deep, 0)?;
    check::equal("the task inside a function", inside, 0)?;
    ensure!(
        tasks > u64::from(place.threads),
        "{tasks} tasks were looked at"
    );
    ensure!(
        addresses > 2 * tasks,
        "{addresses} addresses on {tasks} stacks"
    );
    bench.sample(figure::WALK, place, ns);
    bench.sample(figure::WALK_TASKS, place, tasks);
    Ok(())
}
