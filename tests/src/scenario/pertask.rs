// SPDX-License-Identifier: GPL-2.0
//! Changes that are made task by task: who is inside stays behind, and follows as soon as
//! it is outside.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Result};
use rustix::io::Errno;

use crate::guest::load::Load;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, target, Guest};

mod beside;
mod course;
mod feature;
mod follow;
mod forced;
mod forks;
mod inside;
mod modules;
mod poke;
mod replacing;

use beside::*;
use course::Course;
use feature::*;
use follow::*;
use forced::*;
use forks::*;
use inside::*;
use modules::*;
use poke::*;
use replacing::*;

scenarios! { pertask:
    nobody_inside,
    sleeper,
    disabled_around_a_sleeper,
    enabling_reversed,
    disabling_reversed,
    reversed_again_and_again,
    hammered.seconds(300),
    hammered_and_reversed.seconds(300),
    two_at_once,
    part_of_another_transition,
    two_leave,
    replacing_stays,
    loaded_behind_one_that_replaces,
    into_what_leaves,
    of_a_module_that_may_come,
    replacing_is_alone,
    replaces_what_is_bare,
    unloaded_beside_who_waits,
    reversed_over_budget.seconds(240),
    forced_while_reversed.seconds(240),
    cancelled_behind_another,
    beside_livepatch,
    beside_a_kprobe_that_goes_elsewhere,
    asleep_in_a_callee,
    asleep_in_the_cold_part,
    asleep_deep_below,
    running_in_the_function,
    killed_in_the_function,
    preempted_in_trampoline.seconds(120),
    kretprobe_on_a_running_task,
    kretprobe_on_a_sleeping_task,
    function_graph_on_a_sleeping_task,
    below_a_bpf_program,
    forced_functions,
    on_top_of_a_forced_function,
    reversed_beside_a_forced_function,
    forced_function_when_reversed,
    reversed_after_it_was_forced,
    verdicts_agree_about_sleepers,
    verdicts_agree_under_load.seconds(120),
    automatic,
    automatic_gives_way,
    automatic_is_cancelled,
    forced_to_enable,
    forced_to_disable,
    stacked,
    replaces,
    replacing_reversed,
    states,
    redirected_by_jumps,
    module_comes_and_goes,
    module_comes_on_the_way_out,
    module_comes_to_one_that_replaces,
    module_called_by_who_is_behind,
    callbacks_of_a_module,
    callbacks,
    callbacks_of_a_forced_change,
    callbacks_of_a_reversed_change,
    input,
    exits_behind,
    forks_behind.seconds(120),
    forced_while_they_fork.seconds(120),
    io_uring_worker,
    io_uring_worker_made_behind.seconds(120),
    processor_goes,
    idle_tasks,
    nmi_meets_who_is_behind,
    poked,
    poked_call_is_interrupted,
    kernel_thread_poked,
    unloaded_when_off,
    says_who_does_not_follow,
    many_behind.seconds(240),
}

/// The core and the target, with this model for all patches.
fn load() -> Result<()> {
    module::load_all(&["molt", "target"])?;
    Ok(patch::set_consistency("per_task")?)
}

/// Must be the only one whom the patch's transition has left behind, in `function`.
fn stays_behind(sleeper: &Sleeper, patch: &Patch, function: &str) -> Result<()> {
    patch.expect_left(1)?;
    let blockers = patch.blockers()?;
    patch::expect_blocker(&blockers, sleeper.pid(), sleeper.comm(), function)
}

/// Complete at once.
fn nobody_inside(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_value")?;
    patch.expect_left(0)?;
    target::expect("value", "2")?;
    patch.disable()?;
    patch.expect_left(0)?;
    target::expect("value", "1")?;
    patch.remove()?;
    before.expect_same()
}

/// Everybody else calls the new function at once, the sleeper when it has come back.
fn sleeper(guest: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    check::equal("state", patch.attribute("state")?.as_str(), "enabling")?;
    check::equal("patched", patch.number("target/patched")?, 1)?;
    let blockers = patch.blockers()?;
    guest.note(format!("{blockers:?}"));
    patch::expect_blocker(&blockers, sleeper.pid(), sleeper.comm(), "target_nap")?;
    ensure!(
        blockers.iter().all(|line| line.ends_with("ms")),
        "{blockers:?}"
    );
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)?;

    let other = Sleeper::enter("nap")?;
    patch.expect_left(1)?;
    target::wake()?;
    other.returns("2")?;
    sleeper.returns("1")?;
    patch.completes()?;
    patch.expect_left(0)?;
    check::equal("blockers", patch.blockers()?, vec![])?;
    patch.expect_enabled(true)?;
    patch.retire()?;
    before.expect_same()
}

/// The replacement can be left, but not be unloaded before the sleeper has left it.
fn disabled_around_a_sleeper(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    check::equal("state", patch.attribute("state")?.as_str(), "disabling")?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)?;
    let other = Sleeper::enter("nap")?;
    target::wake()?;
    other.returns("1")?;
    sleeper.returns("2")?;
    patch.completes()?;
    patch.expect_enabled(false)?;
    patch.remove()?;
    before.expect_same()
}

/// Who stayed behind is where all are to go, and who went on stays behind now.
fn enabling_reversed(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let old = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    let new = Sleeper::enter("nap")?;
    patch.expect_left(1)?;
    patch.disable()?;
    patch.expect_left(1)?;
    check::equal("state", patch.attribute("state")?.as_str(), "disabling")?;
    let blockers = patch.blockers()?;
    let start = format!("{} ", new.pid());
    ensure!(
        blockers.len() == 1 && blockers[0].starts_with(&start),
        "{blockers:?}, but only {start}is in the replacement"
    );
    let last = Sleeper::enter("nap")?;
    target::wake()?;
    old.returns("1")?;
    new.returns("2")?;
    last.returns("1")?;
    patch.completes()?;
    patch.expect_enabled(false)?;
    patch.remove()?;
    before.expect_same()
}

/// The same in the other direction.
fn disabling_reversed(_: &Guest) -> Result<()> {
    load()?;
    let patch = Patch::load("patch_nap")?;
    let before = Snapshot::take()?;
    let new = Sleeper::enter("nap")?;
    patch.disable()?;
    let old = Sleeper::enter("nap")?;
    patch.enable()?;
    patch.expect_left(1)?;
    check::equal("state", patch.attribute("state")?.as_str(), "enabling")?;
    target::wake()?;
    new.returns("2")?;
    old.returns("1")?;
    patch.completes()?;
    patch.expect_enabled(true)?;
    before.expect_same()?;
    patch.retire()
}

/// Nobody ever leaves, and the direction changes many times. What was asked for last
/// comes about.
fn reversed_again_and_again(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let old = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    let new = Sleeper::enter("nap")?;
    for _ in 0..20 {
        patch.disable()?;
        patch.expect_left(1)?;
        patch.disable()?;
        patch.enable()?;
        patch.expect_left(1)?;
        patch.enable()?;
    }
    target::wake()?;
    old.returns("1")?;
    new.returns("2")?;
    patch.completes()?;
    patch.retire()?;
    before.expect_same()
}

/// Kernel threads and processes call the pair on all CPUs.
struct Hammers {
    processes: Load,
    /// Of the changes, as the processes see them.
    course: Course,
}

impl Hammers {
    /// Most of the time they are inside.
    fn start() -> Result<Self> {
        const PROCESSES: usize = 3;
        target::set("gap", 20)?;
        target::set("inside", 50_000)?;
        target::hammer(3)?;
        let course = Course::new(PROCESSES);
        let seen = course.clone();
        let processes = Load::start(PROCESSES, move |number| {
            seen.follow(number, || match target::call("pair")?.as_str() {
                "0x11" => Ok(false),
                "0x22" => Ok(true),
                other => bail!("a mix: {other}"),
            })
        });
        Ok(Self { processes, course })
    }

    fn stop(self, guest: &Guest) -> Result<()> {
        let calls = self.processes.stop()?;
        target::hammer(0)?;
        let (old, new) = (target::count("olds")?, target::count("news")?);
        guest.note(format!(
            "{old} old calls, {new} new calls, {calls} of processes"
        ));
        ensure!(
            old > 200 && new > 200,
            "{old} old and {new} new calls: too little"
        );
        target::expect("mixes", "0")
    }
}

/// Each change completes, no call meets a mixture, and who has met the new functions meets the old
/// ones no more.
fn hammered(guest: &Guest) -> Result<()> {
    load()?;
    let hammers = Hammers::start()?;
    hammers.course.begins(true);
    let patch = Patch::load("patch_pair")?;
    patch.completes()?;
    hammers.course.ends();
    let (mut longest, mut behind) = (Duration::ZERO, 0);
    for round in 0..100 {
        let begun = Instant::now();
        let on = round % 2 != 0;
        hammers.course.begins(on);
        patch.write(if on { "1" } else { "0" })?;
        behind += patch.number("tasks_left")?;
        patch.completes()?;
        hammers.course.ends();
        longest = longest.max(begun.elapsed());
        patch.expect_enabled(on)?;
        let pair = if on { "0x22" } else { "0x11" };
        target::expect("pair", pair)?;
    }
    guest.note(format!(
        "{behind} left behind, the longest change took {longest:?}, {}",
        hammers.course
    ));
    ensure!(behind > 10, "only {behind} left behind");
    hammers.course.expect_both()?;
    hammers.stop(guest)?;
    patch.retire()
}

/// Changes are taken back at all times.
fn hammered_and_reversed(guest: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let hammers = Hammers::start()?;
    let mut patch = Patch::load("patch_pair_nap")?;
    let mut reversed = 0;
    for round in 0..100 {
        // Without this one it would be complete before it is reversed.
        let sleeper = Sleeper::enter("nap")?;
        for way in 0..round % 7 {
            reversed += patch.number("transition")?;
            patch.write(if (round + way) % 2 == 0 { "0" } else { "1" })?;
        }
        target::wake()?;
        sleeper.leave()?;
        if round % 10 == 9 {
            patch.write("0")?;
            patch.completes()?;
            patch.remove()?;
            patch = Patch::load("patch_pair_nap")?;
        }
    }
    guest.note(format!("{reversed} changes were reversed"));
    ensure!(reversed > 100, "only {reversed} changes were reversed");
    patch.write("1")?;
    patch.completes()?;
    patch.expect_enabled(true)?;
    hammers.stop(guest)?;
    target::expect("pair", "0x22")?;
    patch.retire()?;
    before.expect_same()
}
