// SPDX-License-Identifier: GPL-2.0
//! Wherever in a function tasks are, and however badly their stacks can be walked: they stay
//! behind, are named, and follow.

use anyhow::{ensure, Result};

use super::{load, stays_behind, Hammers};
use crate::guest::bpf::Program;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::tracefs::{Probe, Tracer};
use crate::guest::{check, target, Guest};
use crate::scenario::busy::{InTrampoline, CALM};
use crate::scenario::verdict::{compared, load_checking};

/// A task in `function`, reached through `/proc/target/FILE`, stays behind, and nobody else; it
/// follows when it has left.
fn follows_when_it_has_left(name: &str, file: &str, function: &str) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let sleeper = Sleeper::enter(file)?;
    let patch = Patch::load(name)?;
    stays_behind(&sleeper, &patch, function)?;
    target::expect(file, "2")?;
    target::wake()?;
    let old = sleeper.leave()?;
    ensure!(
        old != "2",
        "the old {function} returned what the new one does"
    );
    patch.completes()?;
    target::expect(file, "2")?;
    patch.retire()?;
    before.expect_same()
}

/// In another function that it called.
pub fn asleep_in_a_callee(_: &Guest) -> Result<()> {
    follows_when_it_has_left("patch_callee", "nap_in_callee", "target_nap_in_callee")
}

/// In the part that gcc moved away.
pub fn asleep_in_the_cold_part(_: &Guest) -> Result<()> {
    follows_when_it_has_left("patch_cold_nap", "cold_nap", "target_cold_nap.cold")
}

/// Below more than a hundred frames.
pub fn asleep_deep_below(_: &Guest) -> Result<()> {
    follows_when_it_has_left("patch_deep", "deep", "target_deep")
}

/// On a CPU, in kernel mode: where it is cannot be said, but who it is.
pub fn running_in_the_function(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let spinner = Sleeper::enter("spin")?;
    let patch = Patch::load("patch_spin")?;
    patch.expect_left(1)?;
    let start = format!("{} {} ", spinner.pid(), spinner.comm());
    let blockers = patch.blockers()?;
    ensure!(blockers[0].starts_with(&start), "{blockers:?}");
    target::expect("spin", "2")?;
    target::wake()?;
    spinner.returns("1")?;
    patch.completes()?;
    patch.retire()?;
    before.expect_same()
}

/// Who dies inside is not waited for.
pub fn killed_in_the_function(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    sleeper.kill()?;
    patch.completes()?;
    patch.retire()?;
    before.expect_same()
}

/// A task that is preempted between the choice of where its call goes and the first instruction
/// there is inside. See the scenario of that name in `busy`: lines with the return address of the
/// call at a function's entry (+5, or +9 behind ENDBR) prove that the case occurred.
pub fn preempted_in_trampoline(guest: &Guest) -> Result<()> {
    const ROUNDS: usize = 8;
    const CHANGES: usize = 6;
    load()?;
    target::hammer(6)?;
    let mut behind = InTrampoline::default();
    for _ in 0..ROUNDS {
        target::set("gap", CALM)?;
        let patch = Patch::load("patch_pair")?;
        target::set("gap", 0)?;
        for change in 0..CHANGES {
            patch.write((change % 2).to_string())?;
            behind.count(&patch)?;
        }
        target::set("gap", CALM)?;
        patch.retire()?;
    }
    target::hammer(0)?;
    behind.expect_some(guest)
}

/// Only the task itself can walk its stack while it may run, so it does that when it is switched
/// out: outside it follows although it still runs, inside it stays.
pub fn kretprobe_on_a_running_task(guest: &Guest) -> Result<()> {
    load()?;
    let probe = Probe::on_return("spin", "target_spin")?;
    let spinner = Sleeper::enter("spin")?;
    let other = Patch::load("patch_value")?;
    guest.note(format!("{} left behind", other.number("tasks_left")?));
    target::expect("value", "2")?;
    other.completes()?;
    other.retire()?;
    let patch = Patch::load("patch_spin")?;
    patch.expect_left(1)?;
    let start = format!("{} ", spinner.pid());
    let blockers = patch.blockers()?;
    ensure!(blockers[0].starts_with(&start), "{blockers:?}");
    target::wake()?;
    spinner.returns("1")?;
    patch.completes()?;
    check::equal("returns seen", probe.hits()?, 1)?;
    patch.retire()?;
    probe.remove()
}

/// Its stack is known while it sleeps.
pub fn kretprobe_on_a_sleeping_task(_: &Guest) -> Result<()> {
    load()?;
    let probe = Probe::on_return("nap", "target_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let other = Patch::load("patch_value")?;
    other.expect_left(0)?;
    other.retire()?;
    let patch = Patch::load("patch_nap")?;
    stays_behind(&sleeper, &patch, "target_nap")?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    patch.retire()?;
    probe.remove()
}

/// The tracer keeps return addresses elsewhere, also when it was switched off above the sleeping
/// task.
pub fn function_graph_on_a_sleeping_task(_: &Guest) -> Result<()> {
    load()?;
    let tracer = Tracer::start("function_graph", "target_*")?;
    let sleeper = Sleeper::enter("deep")?;
    let other = Patch::load("patch_value")?;
    other.expect_left(0)?;
    other.retire()?;
    let patch = Patch::load("patch_deep")?;
    stays_behind(&sleeper, &patch, "target_deep")?;
    tracer.stop()?;
    stays_behind(&sleeper, &patch, "target_deep")?;
    target::wake()?;
    sleeper.returns("150")?;
    patch.completes()?;
    target::expect("deep", "2")?;
    patch.retire()
}

/// Called from a BPF trampoline: who is inside stays behind, who is not does not.
pub fn below_a_bpf_program(_: &Guest) -> Result<()> {
    load()?;
    // The sleeper reads /proc/target/nap: seq_read() is above it.
    let program = Program::after("seq_read")?;
    let sleeper = Sleeper::enter("nap")?;
    let other = Patch::load("patch_value")?;
    other.expect_left(0)?;
    let patch = Patch::load("patch_nap")?;
    stays_behind(&sleeper, &patch, "target_nap")?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    ensure!(program.runs()? > 0, "the program never ran");
    drop(program);
    patch.retire()?;
    other.retire()
}

/// Who sleeps inside is found, and nobody who is inside goes over: says the core that looks at
/// everybody as well in the same window.
pub fn verdicts_agree_about_sleepers(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    patch::set_consistency("per_task")?;
    let sleepers = [Sleeper::enter("nap")?, Sleeper::enter("nap")?];
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(2)?;
    let last = Sleeper::enter("nap")?;
    for _ in 0..10 {
        patch.disable()?;
        patch.expect_left(1)?;
        patch.enable()?;
        patch.expect_left(2)?;
    }
    // Some overflow on purpose, and are not compared.
    ensure!(compared(guest)?.0 >= 10, "too few windows were compared");
    target::wake()?;
    for sleeper in sleepers {
        sleeper.returns("1")?;
    }
    last.returns("2")?;
    patch.completes()?;
    patch.retire()
}

/// The same of threads that run, and are preempted inside, some of them by the stop itself.
pub fn verdicts_agree_under_load(guest: &Guest) -> Result<()> {
    const ROUNDS: u64 = 60;
    load_checking(&["target"])?;
    patch::set_consistency("per_task")?;
    let hammers = Hammers::start()?;
    let patch = Patch::load("patch_pair")?;
    let mut behind = 0;
    for round in 0..ROUNDS {
        patch.completes()?;
        patch.write((round % 2).to_string())?;
        behind += patch.number("tasks_left")?;
    }
    hammers.stop(guest)?;
    let (windows, _) = compared(guest)?;
    guest.note(format!("{behind} left behind"));
    // Some overflow on purpose, and are not compared.
    ensure!(
        windows >= ROUNDS / 2,
        "only {windows} windows were compared"
    );
    ensure!(behind > 0, "nobody was left behind");
    patch.completes()?;
    patch.retire()
}
