// SPDX-License-Identifier: GPL-2.0
//! Whether a nanosecond is an instruction here.

use anyhow::{ensure, Context, Result};

use super::{functions, Bench};

/// Reading the clock at both ends takes this many instructions at most.
const READING: u64 = 100;

/// With a second processor, its instructions in between count too: one in so many, while
/// it has hardly anything to do.
const OTHERS: u64 = 100;

/// Loops that are timed.
const TRIES: u32 = 5;

/// Fails unless the clock counts the instructions of a loop whose length is known.
pub fn check(bench: &Bench<'_>) -> Result<()> {
    // The shortest of some: an interrupt in between counts too.
    let mut best = None;
    for _ in 0..TRIES {
        let [ns, instructions] = functions::numbers("bench_target/clock")?;
        best = best
            .min(Some((ns, instructions)))
            .or(Some((ns, instructions)));
    }
    let (ns, instructions) = best.context("no try")?;
    let others = match bench.plan.processors {
        "1" => 0,
        _ => instructions / OTHERS,
    };
    bench.note(format!("clock: {instructions} instructions took {ns} ns"));
    ensure!(
        (instructions..=instructions + READING + others).contains(&ns),
        "the clock does not count instructions: {instructions} took {ns} ns"
    );
    Ok(())
}
