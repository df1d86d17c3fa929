// SPDX-License-Identifier: GPL-2.0
//! Who stays behind, and how they follow.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};

use super::load;
use crate::bench::guest::crowd;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, cpu, helper, log, module, nmi, target, uring, Guest};
use crate::scenario::exiting::asleep_at_its_end;
use crate::scenario::verdict::{budget, load_checking, overflow_every};

/// A thread stays behind that exits, and is on no list any more.
pub fn exits_behind(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let tid = asleep_at_its_end()?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    let blockers = patch.blockers()?;
    ensure!(
        blockers[0].starts_with(&format!("{tid} goner target_nap+")),
        "{blockers:?}"
    );
    target::wake()?;
    patch.completes()?;
    patch.retire()?;
    module::remove_all(&["exit_napper"])?;
    before.expect_same()
}

/// A CPU goes and comes while tasks are behind that slept on it.
pub fn processor_goes(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    cpu::stay_on(1)?;
    let sleeper = Sleeper::enter("nap")?;
    cpu::stay_on(0)?;
    let patch = Patch::load("patch_nap")?;
    for _ in 0..5 {
        cpu::switch(false)?;
        patch.expect_left(1)?;
        patch.write("0")?;
        patch.completes()?;
        // Its CPU is away while it is looked for.
        patch.write("1")?;
        patch.expect_left(1)?;
        cpu::switch(true)?;
        patch.expect_left(1)?;
    }
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    patch.retire()?;
    before.expect_same()
}

/// An interrupt or NMI uses the functions of the universe of the task that it interrupts.
pub fn nmi_meets_who_is_behind(guest: &Guest) -> Result<()> {
    const TRIES: usize = 50;
    load()?;
    module::load_all(&["nmi_source"])?;
    // What NMIs on each CPU have seen: how often the new function.
    let new = |cpu: u32| -> Result<usize> {
        let mut new = 0;
        for _ in 0..TRIES {
            nmi::set("ask", cpu)?;
            match nmi::read("ask")? {
                1 => {}
                2 => new += 1,
                other => bail!("nmi_value() returned {other}"),
            }
        }
        Ok(new)
    };
    cpu::stay_on(1)?;
    let spinner = Sleeper::enter("spin")?;
    cpu::stay_on(0)?;
    check::equal("without a patch", [new(0)?, new(1)?], [0, 0])?;
    let patch = Patch::load("patch_nmi_spin")?;
    patch.expect_left(1)?;
    let seen = [new(0)?, new(1)?];
    guest.note(format!(
        "new functions seen on each CPU: {seen:?} of {TRIES}"
    ));
    check::equal("on this CPU", seen[0], TRIES)?;
    // Others run there, too, but rarely.
    ensure!(seen[1] < TRIES / 2, "the spinner's CPU has met {seen:?}");
    target::wake()?;
    spinner.returns("1")?;
    patch.completes()?;
    check::equal("complete", [new(0)?, new(1)?], [TRIES, TRIES])?;
    patch.retire()?;
    module::remove_all(&["nmi_source"])
}

/// When nobody could be looked at, everybody stays behind, idle tasks of CPUs with nothing to do as
/// well. All follow at once.
pub fn idle_tasks(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    patch::set_consistency("per_task")?;
    overflow_every(1)?;
    budget(1)?;
    // The other CPU has nothing to do.
    cpu::stay_on(0)?;
    let patch = Patch::load("patch_value")?;
    let (mut behind, mut idle, mut took) = (0, 0, Vec::new());
    for round in 0..300 {
        if round >= 20 && idle >= 5 {
            break;
        }
        let begun = Instant::now();
        patch.write((round % 2).to_string())?;
        behind += patch.number("tasks_left")?;
        idle += patch
            .blockers()?
            .iter()
            .filter(|line| line.starts_with("0 "))
            .count();
        patch.completes()?;
        took.push(begun.elapsed());
    }
    took.sort();
    // A busy host may stop for seconds, now and then.
    let most = took[took.len() * 3 / 4];
    guest.note(format!(
        "{behind} behind, {idle} times an idle task was seen, three of four changes took {most:?} at most"
    ));
    ensure!(
        behind > 20 && idle >= 5,
        "{behind} behind, {idle} times an idle task"
    );
    ensure!(
        most < Duration::from_secs(1),
        "a change in four took more than {most:?}"
    );
    patch.retire()
}

/// A patch reads as off from the flip on, and whoever sees that the change is over can unload it
/// at once.
pub fn unloaded_when_off(_: &Guest) -> Result<()> {
    load()?;
    for round in 0..50 {
        let patch = Patch::load("patch_nap")?;
        let sleeper = Sleeper::enter("nap")?;
        patch.disable()?;
        patch.expect_left(1)?;
        target::wake()?;
        while patch.is_changing() {
            patch.expect_enabled(false)?;
        }
        patch.remove().with_context(|| format!("round {round}"))?;
        sleeper.leave()?;
    }
    Ok(())
}

/// Once.
pub fn says_who_does_not_follow(_: &Guest) -> Result<()> {
    load()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    let said = format!(
        "none has followed for 10 s: {} in_nap target_nap+",
        sleeper.pid()
    );
    let count = || -> Result<usize> { Ok(log::read()?.matches(&said).count()) };
    check::equal("at first", count()?, 0)?;
    thread::sleep(Duration::from_secs(24));
    check::equal("after 24 s", count()?, 1)?;
    patch.disable()?;
    patch.completes()?;
    target::wake()?;
    sleeper.leave()?;
    patch.remove()
}

/// How many tasks the kernel has memory for, about.
fn tasks() -> Result<u64> {
    let slabs = fs::read_to_string("/proc/slabinfo")?;
    let line = slabs.lines().find(|line| line.starts_with("task_struct "));
    let active = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(active.context("no slabs of task_struct")?.parse()?)
}

/// Ten thousand threads sleep in the function. Nothing of them is left when they have ended.
pub fn many_behind(guest: &Guest) -> Result<()> {
    const PROCESSES: u64 = 20;
    const EACH: u64 = 500;
    const THREADS: u64 = PROCESSES * EACH;
    load()?;
    crowd::raise_limits()?;
    let before = Snapshot::take()?;
    let tasks_before = tasks()?;
    let mut processes = Vec::new();
    for number in 1..=PROCESSES {
        processes.push(helper::spawn("many", &["nap", &EACH.to_string()])?);
        check::eventually("all sleep", || {
            Ok(target::count("sleepers")? == number * EACH)
        })?;
    }
    let begun = Instant::now();
    let patch = Patch::load("patch_nap")?;
    guest.note(format!("loaded after {:?}", begun.elapsed()));
    patch.expect_left(THREADS)?;
    patch.disable()?;
    patch.completes()?;
    patch.enable()?;
    patch.expect_left(THREADS)?;
    let begun = Instant::now();
    target::wake()?;
    patch.completes()?;
    guest.note(format!(
        "complete {:?} after they were woken",
        begun.elapsed()
    ));
    for mut process in processes {
        ensure!(process.wait()?.success(), "a process failed");
    }
    check::eventually("their memory is free", || {
        Ok(tasks()? < tasks_before + THREADS / 10)
    })?;
    patch.retire()?;
    before.expect_same()
}

/// A thread of io_uring's has no user mode to return to.
pub fn io_uring_worker(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let read = uring::Read::start(&target::path("nap"))?;
    check::eventually("it sleeps", || Ok(target::count("sleepers")? == 1))?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    let blockers = patch.blockers()?;
    ensure!(blockers[0].contains(" iou-wrk-"), "{blockers:?}");
    target::wake()?;
    check::equal("target_nap()", read.end()?.as_str(), "1\n")?;
    patch.completes()?;
    patch.retire()?;
    before.expect_same()
}
