// SPDX-License-Identifier: GPL-2.0
//! What one call costs, in each mode: a loop of 100,000 in `bench_target.ko`.

use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};

use super::functions::{self, Version};
use super::livepatch::Livepatch;
use super::molt;
use super::planted::Planted;
use super::redirect::Redirect;
use super::{Bench, ALONE};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::{check, module, target};

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
        if functions > 1 {
            in_transition(bench, functions)?;
        }
    }
    beside_a_transition(bench)?;
    run(bench, "plain", Version::Old, 0)
}

fn molt(bench: &Bench<'_>, functions: u32) -> Result<()> {
    let patch = Patch::load(&molt::name(functions))?;
    Redirect::Ftrace.choose(&patch)?;
    run(bench, "molt_ftrace", Version::Molt, functions)?;
    let took = Redirect::Direct.choose(&patch)?;
    bench.sample(figure::TO_DIRECT, place(functions), took);
    run(bench, "molt_direct", Version::Molt, functions)?;
    let took = Redirect::Ftrace.choose(&patch)?;
    bench.sample(figure::TO_FTRACE, place(functions), took);
    run(bench, "molt_ftrace", Version::Molt, functions)?;
    patch.retire()
}

/// While a task is left behind in another function of the patch.
fn in_transition(bench: &Bench<'_>, functions: u32) -> Result<()> {
    let planted = Planted::new()?;
    patch::set_consistency("per_task")?;
    let patch = Patch::load(&molt::name(functions))?;
    patch.expect_left(1)?;
    repeat(bench, "molt_transition", Version::Molt, functions)?;
    patch.expect_left(1)?;
    planted.leave(Version::Old)?;
    patch.completes()?;
    // The transition's thread lets go of what it needed.
    thread::sleep(Duration::from_secs(1));
    run(bench, "molt_after_transition", Version::Molt, functions)?;
    patch.retire()?;
    patch::set_consistency("stop_machine")?;

    let planted = Planted::new()?;
    let livepatch = Livepatch::load(functions)?;
    // Its first look at all tasks moves this one.
    until_moved(&livepatch)?;
    repeat(bench, "livepatch_transition", Version::Livepatch, functions)?;
    ensure!(livepatch.is_in_transition(), "its transition is over");
    planted.leave(Version::Old)?;
    livepatch.settle()?;
    livepatch.disable()?;
    livepatch.settle()?;
    livepatch.remove()
}

/// While another patch is in a transition, in which this function has no part.
fn beside_a_transition(bench: &Bench<'_>) -> Result<()> {
    module::load("target").context("insmod target")?;
    let patch = Patch::load(&molt::name(1))?;
    let sleeper = Sleeper::enter("nap")?;
    patch::set_consistency("per_task")?;
    let other = Patch::load("patch_nap")?;
    other.expect_left(1)?;
    run(bench, "molt_beside_transition", Version::Molt, 1)?;
    other.expect_left(1)?;
    target::wake()?;
    sleeper.leave()?;
    other.completes()?;
    other.retire()?;
    patch::set_consistency("stop_machine")?;
    patch.retire()?;
    module::remove("target").context("rmmod target")
}

/// Until a call of the loop goes to the livepatch's function: this task has been moved.
fn until_moved(livepatch: &Livepatch) -> Result<()> {
    check::eventually("this task is moved", || {
        ensure!(livepatch.is_in_transition(), "its transition is over");
        let [_, calls, sum] = functions::numbers("bench_target/call")?;
        Ok(sum == calls * u64::from(Version::Livepatch as u32))
    })
}

fn place(functions: u32) -> Place {
    Place { functions, ..ALONE }
}

/// Runs the loop; what it summed up proves which version was called.
fn run(bench: &Bench<'_>, mode: &str, version: Version, patched: u32) -> Result<()> {
    functions::expect(version, patched).with_context(|| mode.to_owned())?;
    repeat(bench, mode, version, patched)?;
    functions::expect(version, patched).with_context(|| mode.to_owned())
}

fn repeat(bench: &Bench<'_>, mode: &str, version: Version, patched: u32) -> Result<()> {
    for _ in 0..bench.plan.rounds {
        let [ns, calls, sum] = functions::numbers("bench_target/call")?;
        check::equal(
            &format!("{mode}: the sum of {calls} results"),
            sum,
            calls * u64::from(version as u32),
        )?;
        bench.sample(format!("{}{mode}", figure::CALL), place(patched), ns);
    }
    Ok(())
}
