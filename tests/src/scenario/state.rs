// SPDX-License-Identifier: GPL-2.0
//! System states: what a patch has changed for longer than itself, and hands to the next. The
//! patches raise the console's log level (`tests/modules/level/`), as mainline's tests of states
//! do.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, journal, module, target, Guest};

scenarios! { state:
    changed_and_restored,
    taken_over,
    same_version_both_ways,
    lower_version_refused,
    unknown_state_refused,
    chain_of_three,
    beside_without_replacing,
    beside_with_a_lower_version,
    refused_change_takes_nothing.only_stop_machine("pertask::states"),
    refused_disable_keeps_the_change.only_stop_machine("pertask::states"),
    dropped_when_unloaded,
    dropped_when_the_load_is_refused.only_stop_machine("a task in the way does not refuse a load"),
    read_while_exchanged,
    sample,
}

const RAISED: i32 = 12;

/// The console's log level.
fn level() -> Result<i32> {
    let text = fs::read_to_string("/proc/sys/kernel/printk")?;
    let first = text.split_whitespace().next().context("printk is empty")?;
    Ok(first.parse()?)
}

fn expect_level(expected: i32) -> Result<()> {
    check::equal("the console's log level", level()?, expected)
}

/// Loads what the patches need; returns the level.
fn prepare() -> Result<i32> {
    module::load_all(&["molt", "target", "journal"])?;
    let original = level()?;
    ensure!(original != RAISED, "the level is {RAISED} already");
    Ok(original)
}

/// A patch must be refused, with these words in `last_error`; nothing may have changed.
fn refused(name: &str, words: &str) -> Result<()> {
    let before = Snapshot::take()?;
    let raised = level()?;
    patch::refuse(name, "", Errno::INVAL, "incompatible")?;
    check::equal("last_error", patch::last_error().as_str(), words)?;
    expect_level(raised)?;
    journal::expect(&[])?;
    before.expect_same()
}

/// The level is raised by the patch, and as before without it.
fn changed_and_restored(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let patch = Patch::load("patch_level_1")?;
    for _ in 0..2 {
        expect_level(RAISED)?;
        target::expect("second", &original.to_string())?;
        journal::expect(&["level remembered"])?;
        patch.disable()?;
        expect_level(original)?;
        journal::expect(&["level forgotten"])?;
        patch.enable()?;
    }
    patch.retire()?;
    expect_level(original)?;
    journal::expect(&["level remembered", "level forgotten"])
}

/// The second version knows what the first has remembered, also when that is gone, and restores it.
fn taken_over(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let first = Patch::load("patch_level_1")?;
    let second = Patch::load("patch_level_2")?;
    target::expect("value", "2")?;
    target::expect("second", &original.to_string())?;
    expect_level(RAISED)?;
    first.remove()?;
    target::expect("second", &original.to_string())?;
    journal::expect(&["level remembered"])?;
    second.disable()?;
    expect_level(original)?;
    journal::expect(&["level forgotten"])?;
    second.remove()
}

/// A state goes from a patch to another of the same version, and back.
fn same_version_both_ways(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let one = Patch::load("patch_level_2")?;
    let other = Patch::load("patch_level_2_again")?;
    one.remove()?;
    let one = Patch::load("patch_level_2")?;
    target::expect("second", &original.to_string())?;
    expect_level(RAISED)?;
    journal::expect(&["level remembered"])?;
    one.disable()?;
    expect_level(original)?;
    one.remove()?;
    // The other, superseded, holds the data until it goes.
    journal::expect(&[])?;
    other.remove()?;
    journal::expect(&["level forgotten"])
}

/// A patch that knows less than what is there.
fn lower_version_refused(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let second = Patch::load("patch_level_2")?;
    journal::clear()?;
    refused(
        "patch_level_1",
        "incompatible: state 0x1e7e1 has version 2 in patch_level_2, and 1 here",
    )?;
    target::expect("value", "2")?;
    second.disable()?;
    expect_level(original)?;
    journal::clear()?;
    let first = Patch::load("patch_level_1")?;
    expect_level(RAISED)?;
    first.retire()?;
    second.remove()?;
    expect_level(original)
}

/// A patch that would replace one whose change it does not know.
fn unknown_state_refused(_: &Guest) -> Result<()> {
    prepare()?;
    let first = Patch::load("patch_level_1")?;
    journal::clear()?;
    refused(
        "patch_level_unknown",
        "incompatible: state 0x1e7e1 of patch_level_1, version 1, is not known here",
    )?;
    target::expect("value", "1")?;
    first.retire()?;
    let unknown = Patch::load("patch_level_unknown")?;
    target::expect("value", "9")?;
    unknown.retire()
}

/// Each takes over from the one before; the last has other data.
fn chain_of_three(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let first = Patch::load("patch_level_1")?;
    let second = Patch::load("patch_level_2")?;
    let third = Patch::load("patch_level_3")?;
    target::expect("value", "32")?;
    target::expect("second", &original.to_string())?;
    expect_level(RAISED)?;
    journal::expect(&["level remembered", "levels remembered"])?;
    first.remove()?;
    journal::expect(&[])?;
    second.remove()?;
    journal::expect(&["level forgotten"])?;
    refused(
        "patch_level_2",
        "incompatible: state 0x1e7e1 has version 3 in patch_level_3, and 2 here",
    )?;
    third.disable()?;
    expect_level(original)?;
    journal::expect(&["levels forgotten"])?;
    third.remove()
}

/// Patches that replace none: each leaves the change to the one below.
fn beside_without_replacing(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let value = Patch::load("patch_value")?;
    let first = Patch::load("patch_level_beside_1")?;
    let second = Patch::load("patch_level_beside_2")?;
    let stranger = Patch::load("patch_value_more")?;
    target::expect("first", "2")?;
    journal::expect(&["level remembered"])?;
    second.retire()?;
    target::expect("first", "1")?;
    expect_level(RAISED)?;
    first.retire()?;
    expect_level(original)?;
    journal::expect(&["level forgotten"])?;
    stranger.retire()?;
    value.retire()
}

/// A patch that was on before one with a higher version cannot be put on top of that.
fn beside_with_a_lower_version(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let first = Patch::load("patch_level_beside_1")?;
    first.disable()?;
    let second = Patch::load("patch_level_beside_2")?;
    journal::clear()?;
    first.refuse("1", Errno::INVAL, "incompatible")?;
    target::expect("first", "2")?;
    journal::expect(&[])?;
    second.disable()?;
    first.enable()?;
    second.enable()?;
    expect_level(RAISED)?;
    // The one below goes first, and leaves the level as it was when it came.
    first.disable()?;
    second.disable()?;
    expect_level(original)?;
    second.remove()?;
    first.remove()
}

/// A patch that would take over and is refused because of a task: who is there loses nothing.
fn refused_change_takes_nothing(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let first = Patch::load("patch_level_1")?;
    let sleeper = Sleeper::enter("nap")?;
    patch::refuse("patch_level_2", "deadline_ms=300", Errno::BUSY, "busy")?;
    patch::refuse("patch_level_3", "deadline_ms=300", Errno::BUSY, "busy")?;
    journal::expect(&["level remembered", "levels remembered", "levels forgotten"])?;
    target::expect("value", "1")?;
    target::expect("second", &original.to_string())?;
    expect_level(RAISED)?;
    target::wake()?;
    sleeper.returns("1")?;
    first.retire()?;
    expect_level(original)?;
    journal::expect(&["level forgotten"])
}

/// A patch that was to be disabled and was not: the change is made again.
fn refused_disable_keeps_the_change(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let patch = Patch::load_with("patch_level_1", "deadline_ms=300")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    expect_level(RAISED)?;
    target::expect("second", &original.to_string())?;
    journal::expect(&["level remembered"])?;
    target::wake()?;
    sleeper.leave()?;
    patch.retire()?;
    expect_level(original)?;
    journal::expect(&["level forgotten"])
}

/// Data that no callback takes stay while the patch is off, and go with its module.
fn dropped_when_unloaded(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let patch = Patch::load("patch_level_kept")?;
    for _ in 0..3 {
        target::expect("nap", &original.to_string())?;
        expect_level(RAISED)?;
        patch.disable()?;
        expect_level(original)?;
        patch.enable()?;
    }
    patch.disable()?;
    journal::expect(&["level remembered"])?;
    patch.remove()?;
    journal::expect(&["level forgotten"])
}

/// Data of a patch that is not loaded in the end.
fn dropped_when_the_load_is_refused(_: &Guest) -> Result<()> {
    prepare()?;
    let sleeper = Sleeper::enter("nap")?;
    patch::refuse("patch_level_kept", "deadline_ms=300", Errno::BUSY, "busy")?;
    journal::expect(&["level remembered", "level forgotten"])?;
    target::wake()?;
    sleeper.leave()?;
    Ok(())
}

/// Data are read by some while others exchange them: nobody sees what has been dropped.
fn read_while_exchanged(guest: &Guest) -> Result<()> {
    const READERS: usize = 3;
    const TIME: Duration = Duration::from_secs(8);
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_exchange")?;
    let began = Instant::now();
    let hammer = move |commands: &'static [&'static str]| -> Result<[u64; 2]> {
        let path = target::path("object");
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        // How many results were data, and how many were none.
        let mut seen = [0; 2];
        while began.elapsed() < TIME {
            for command in commands {
                file.rewind()?;
                file.write_all(command.as_bytes())?;
                file.rewind()?;
                let mut text = String::new();
                file.read_to_string(&mut text)?;
                match text.trim() {
                    "7" => seen[0] += 1,
                    "0" => seen[1] += 1,
                    other => return Err(anyhow!("{command}: {other}")),
                }
            }
        }
        Ok(seen)
    };
    let mut threads = Vec::new();
    for _ in 0..READERS {
        threads.push(thread::spawn(move || hammer(&["0 0 0 0"])));
    }
    threads.push(thread::spawn(move || {
        hammer(&["0 0 1 7", "0 0 1 7", "0 0 2 0"])
    }));
    let mut results = Vec::new();
    for thread in threads {
        results.push(thread.join().map_err(|_| anyhow!("a thread panicked"))??);
    }
    guest.note(format!(
        "seen and not seen, the last exchanged: {results:?}"
    ));
    ensure!(
        results.iter().all(|[some, none]| *some > 10 && *none > 10),
        "too few: {results:?}"
    );
    patch.retire()
}

/// `samples/state.rs`.
fn sample(_: &Guest) -> Result<()> {
    let original = prepare()?;
    let patch = Patch::load("state")?;
    expect_level(15)?;
    check::equal(
        "/proc/version",
        fs::read_to_string("/proc/version")?,
        format!("the log level of the console was {original}\n"),
    )?;
    patch.disable()?;
    expect_level(original)?;
    patch.remove()
}
