// SPDX-License-Identifier: GPL-2.0
//! What one call costs, in each mode: a loop of 100,000 in `bench_target.ko`.

use anyhow::{Context, Result};

use super::functions::{self, Version};
use super::livepatch::Livepatch;
use super::molt;
use super::redirect::Redirect;
use super::{Bench, ALONE};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::patch::Patch;
use crate::guest::{check, module};

/// All modes, and with each number of functions where that might matter.
pub fn measure(bench: &Bench<'_>) -> Result<()> {
    run(bench, "plain", Version::Old, 0)?;

    module::load("bench_jump").context("insmod bench_jump")?;
    run(bench, "entry_jmp", Version::Jump, 1)?;
    module::remove("bench_jump")?;

    for &functions in bench.plan.functions {
        module::load_with("bench_kpatch", &format!("functions={functions}"))
            .context("insmod bench_kpatch")?;
        run(bench, "kpatch", Version::Kpatch, functions)?;
        module::remove("bench_kpatch")?;

        let livepatch = Livepatch::load(functions)?;
        livepatch.settle()?;
        run(bench, "livepatch", Version::Livepatch, functions)?;
        livepatch.disable()?;
        livepatch.settle()?;
        livepatch.remove()?;

        molt(bench, functions)?;
    }
    run(bench, "plain", Version::Old, 0)
}

fn molt(bench: &Bench<'_>, functions: u32) -> Result<()> {
    let patch = Patch::load(&molt::name(functions))?;
    Redirect::Ftrace.choose(&patch)?;
    run(bench, "molt_ftrace", Version::Molt, functions)?;
    match Redirect::Direct.choose(&patch)? {
        Some(took) => {
            bench.sample(figure::TO_DIRECT, place(functions), took);
            run(bench, "molt_direct", Version::Molt, functions)?;
            if let Some(took) = Redirect::Ftrace.choose(&patch)? {
                bench.sample(figure::TO_FTRACE, place(functions), took);
            }
            run(bench, "molt_ftrace", Version::Molt, functions)?;
        }
        None => bench.note("this core has no direct mode: no figures of it"),
    }
    patch.retire()
}

fn place(functions: u32) -> Place {
    Place { functions, ..ALONE }
}

/// Runs the loop; what it summed up proves which version was called.
fn run(bench: &Bench<'_>, mode: &str, version: Version, patched: u32) -> Result<()> {
    functions::expect(version, patched).with_context(|| mode.to_owned())?;
    for _ in 0..bench.plan.rounds {
        let [ns, calls, sum] = functions::numbers("bench_target/call")?;
        check::equal(
            &format!("{mode}: the sum of {calls} results"),
            sum,
            calls * u64::from(version as u32),
        )?;
        bench.sample(format!("{}{mode}", figure::CALL), place(patched), ns);
    }
    functions::expect(version, patched).with_context(|| mode.to_owned())
}
