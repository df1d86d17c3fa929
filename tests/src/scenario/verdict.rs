// SPDX-License-Identifier: GPL-2.0
//! The stop window looks only at who ran since they were looked at before. The core of
//! tests named `agree_…` is one that looks at everybody as well, in the same window, and says BUG
//! when the verdicts differ (`src/stacks/crosscheck.rs`); BUG fails any test.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::load::Load;
use crate::guest::patch::{self, Patch, MOLT};
use crate::guest::sleeper::Sleeper;
use crate::guest::{check, cpu, log, module, process, target, Guest};

scenarios! { verdict:
    agree_when_idle,
    agree_while_functions_are_hammered.seconds(120)
        .only_stop_machine("pertask::verdicts_agree_under_load"),
    agree_while_processes_come_and_go.seconds(120),
    agree_while_threads_exit.seconds(120),
    agree_while_tasks_switch.seconds(120),
    agree_while_cpus_come_and_go.seconds(120),
    agree_about_sleepers.only_stop_machine("pertask::verdicts_agree_about_sleepers"),
    few_are_verified,
    everybody_after_an_overflow,
    a_window_over_budget_is_given_up.only_stop_machine("pertask::idle_tasks"),
    budget_takes_numbers_only,
}

/// Loads the core that checks its verdicts, and these modules.
pub fn load_checking(more: &[&str]) -> Result<()> {
    module::load("molt_check").context("insmod molt_check")?;
    module::load_all(more)
}

/// Every how many windows one behaves as if it could not know who ran; 0 is never.
pub fn overflow_every(windows: u32) -> Result<()> {
    let path = format!("{MOLT}/overflow_every");
    fs::write(&path, windows.to_string()).context(path)
}

/// For how long a window may hold the CPUs.
pub fn budget(microseconds: u32) -> Result<()> {
    let path = format!("{MOLT}/budget_us");
    fs::write(&path, microseconds.to_string()).context(path)
}

/// Windows that were compared, and how many of them were blocked.
pub fn compared(guest: &Guest) -> Result<(u64, u64)> {
    let log = log::read()?;
    let line = log
        .lines()
        .rfind(|line| line.contains("check: "))
        .context("nothing was compared")?;
    guest.note(line);
    let words = line.split("check: ").nth(1).unwrap_or_default();
    let mut numbers = words.split(' ').filter_map(|word| word.parse().ok());
    let windows = numbers.next().context("no number of windows")?;
    Ok((windows, numbers.next().context("no number of blocked")?))
}

/// Toggles a patch so often, and checks that windows were compared.
fn toggle(guest: &Guest, patch: &Patch, rounds: u64) -> Result<()> {
    for round in 0..rounds {
        patch.disable().with_context(|| format!("round {round}"))?;
        patch.enable().with_context(|| format!("round {round}"))?;
    }
    let (windows, _) = compared(guest)?;
    // Some overflow on purpose, and are not compared.
    ensure!(
        windows >= rounds,
        "only {windows} windows compared in {rounds} rounds"
    );
    Ok(())
}

fn agree_when_idle(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    let patch = Patch::load("patch_value")?;
    toggle(guest, &patch, 50)?;
    patch.retire()
}

/// Threads that run are preempted inside the functions, some of them by the stop itself.
fn agree_while_functions_are_hammered(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    target::set("gap", 300)?;
    target::set("inside", 2000)?;
    target::hammer(6)?;
    let patch = Patch::load("patch_pair")?;
    toggle(guest, &patch, 60)?;
    patch.disable()?;
    target::hammer(0)?;
    check::equal("mixes", target::count("mixes")?, 0)?;
    let (_, blocked) = compared(guest)?;
    ensure!(blocked > 0, "no window met anybody inside");
    patch.remove()
}

fn agree_while_processes_come_and_go(guest: &Guest) -> Result<()> {
    load_checking(&[])?;
    let load = Load::start(4, |_| process::come_and_go());
    let patch = Patch::load("patch_fork")?;
    toggle(guest, &patch, 40)?;
    guest.note(format!("{} processes", load.stop()?));
    patch.retire()
}

fn agree_while_threads_exit(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    let load = Load::start(4, |_| {
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| ())).collect();
        threads.into_iter().for_each(|one| drop(one.join()));
        Ok(())
    });
    let patch = Patch::load("patch_exit")?;
    toggle(guest, &patch, 40)?;
    guest.note(format!("{} times 8 threads", load.stop()?));
    patch.retire()
}

/// A task of each pair waits for what the other writes, so that most of what the machine
/// does is to switch.
fn agree_while_tasks_switch(guest: &Guest) -> Result<()> {
    const PAIRS: usize = 16;
    load_checking(&["target"])?;
    let mut answering = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..PAIRS {
        let (here, mut there) = UnixStream::pair()?;
        answering.push(thread::spawn(move || -> Result<()> {
            let mut byte = [0];
            while there.read(&mut byte)? == 1 {
                there.write_all(&byte)?;
            }
            Ok(())
        }));
        ends.push(here);
    }
    let ends = Arc::new(ends);
    let load = Load::start(PAIRS, move |number| {
        let mut byte = [1];
        (&ends[number]).write_all(&byte)?;
        (&ends[number]).read_exact(&mut byte)?;
        Ok(())
    });
    let patch = Patch::load("patch_value")?;
    toggle(guest, &patch, 16)?;
    guest.note(format!("{} turns", load.stop()?));
    patch.retire()
}

fn agree_while_cpus_come_and_go(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    target::set("gap", 2000)?;
    target::hammer(3)?;
    let load = Load::start(1, |_| {
        cpu::switch(false)?;
        cpu::switch(true)
    });
    let patch = Patch::load("patch_pair")?;
    toggle(guest, &patch, 30)?;
    guest.note(format!("{} goings", load.stop()?));
    patch.retire()?;
    check::equal("mixes", target::count("mixes")?, 0)
}

/// Who sleeps inside is found, also when everybody else was looked at long ago.
fn agree_about_sleepers(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    let sleeper = Sleeper::enter("nap")?;
    sleeper.refuses("patch_nap", "target_nap")?;
    target::wake()?;
    sleeper.leave()?;
    let patch = Patch::load_with("patch_nap", "deadline_ms=300")?;
    toggle(guest, &patch, 5)?;
    let sleeper = Sleeper::enter("nap")?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    target::wake()?;
    sleeper.leave()?;
    patch.retire()
}

/// Of a hundred threads that sleep, none is looked at in the window.
fn few_are_verified(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleepers = Sleepers::start(100)?;
    let patch = Patch::load("patch_value")?;
    for _ in 0..5 {
        patch.disable()?;
        patch.enable()?;
        let [scanned, verified] =
            ["tasks_scanned", "tasks_verified"].map(|file| patch.number(file));
        let (scanned, verified) = (scanned?, verified?);
        guest.note(format!("{scanned} scanned, {verified} verified"));
        ensure!(scanned > 100, "{scanned} tasks scanned");
        ensure!(verified < 20, "{verified} tasks verified");
        check::equal("overflows", patch.number("overflows")?, 0)?;
    }
    sleepers.stop();
    patch.retire()
}

/// When it is not known who ran, everybody is verified, and that is counted.
fn everybody_after_an_overflow(_: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    let sleepers = Sleepers::start(50)?;
    overflow_every(1)?;
    let patch = Patch::load("patch_value")?;
    let verified = patch.number("tasks_verified")?;
    ensure!(verified > 50, "{verified} tasks verified");
    check::equal("overflows", patch.number("overflows")?, 1)?;
    overflow_every(0)?;
    patch.disable()?;
    let verified = patch.number("tasks_verified")?;
    ensure!(verified < 20, "{verified} tasks verified");
    check::equal("overflows", patch.number("overflows")?, 0)?;
    sleepers.stop();
    patch.remove()
}

/// Looking at everybody takes longer than a microsecond.
fn a_window_over_budget_is_given_up(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    overflow_every(1)?;
    budget(1)?;
    patch::refuse("patch_value", "deadline_ms=200", Errno::TIME, "budget")?;
    guest.note(patch::last_error());
    target::expect("value", "1")?;
    budget(0)?;
    let patch = Patch::load_with("patch_value", "deadline_ms=200")?;
    budget(1)?;
    patch.refuse("0", Errno::TIME, "budget")?;
    let verified = patch.number("tasks_verified")?;
    ensure!(
        verified <= 16,
        "{verified} tasks verified within a microsecond"
    );
    ensure!(patch.number("attempts")? > 1, "it was tried once only");
    target::expect("value", "2")?;
    // Those who ran are few enough.
    overflow_every(0)?;
    budget(10_000)?;
    patch.retire()
}

fn budget_takes_numbers_only(_: &Guest) -> Result<()> {
    module::load("molt")?;
    let path = format!("{MOLT}/budget_us");
    let read = || fs::read_to_string(&path);
    check::equal("budget_us", read()?.as_str(), "10000\n")?;
    for garbage in ["x", "-1", "1.5", "4294967296", "1 2", "\u{e9}", "\n"] {
        check::refused(
            &format!("{garbage:?}"),
            fs::write(&path, garbage),
            Errno::INVAL,
        )?;
        check::equal("budget_us", read()?.as_str(), "10000\n")?;
    }
    fs::write(&path, "250\n")?;
    check::equal("budget_us", read()?.as_str(), "250\n")?;
    module::remove_all(&["molt"])?;
    module::load_with("molt", "budget_us=77")?;
    check::equal("budget_us", read()?.as_str(), "77\n")
}

/// Threads that sleep.
struct Sleepers {
    threads: Vec<thread::JoinHandle<()>>,
    /// They read from the other end.
    awake: UnixStream,
}

impl Sleepers {
    fn start(count: usize) -> Result<Self> {
        let (awake, asleep) = UnixStream::pair()?;
        let mut threads = Vec::new();
        for _ in 0..count {
            let mut end = asleep.try_clone()?;
            threads.push(thread::spawn(move || {
                let _ = end.read(&mut [0]);
            }));
        }
        // Until the last of them sleeps.
        thread::sleep(Duration::from_millis(200));
        Ok(Self { threads, awake })
    }

    fn stop(self) {
        drop(self.awake);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}
