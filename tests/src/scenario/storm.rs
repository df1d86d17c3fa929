// SPDX-License-Identifier: GPL-2.0
//! Much of something else happens while patches change: processes and modules come
//! and go, a system call is hammered.

use std::io::{BufRead, BufReader, Read};
use std::thread;

use anyhow::{anyhow, ensure, Context, Result};

use crate::guest::load::Load;
use crate::guest::patch::Patch;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, module, process, Guest};

scenarios! { storm:
    processes_come_and_go.seconds(120),
    programs_come_and_go.seconds(120),
    modules_come_and_go.seconds(120),
    patches_come_and_go.seconds(120),
    system_call_hammered,
}

/// Switches a patch off and on this often.
fn toggle(patch: &Patch, rounds: usize) -> Result<()> {
    for round in 0..rounds {
        patch.disable().with_context(|| format!("round {round}"))?;
        patch.enable().with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

/// Processes that do nothing: most of their time is fork and exit, whose functions
/// change. New tasks are not on the task list yet, old ones no more.
fn processes_come_and_go(guest: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let load = Load::start(4, |_| process::come_and_go());
    for _ in 0..5 {
        let patch = Patch::load("patch_fork")?;
        toggle(&patch, 8)?;
        patch.retire()?;
    }
    let processes = load.stop()?;
    guest.note(format!("{processes} processes came and went"));
    ensure!(processes > 100, "only {processes} processes came and went");
    Ok(())
}

/// The same with programs that are executed.
fn programs_come_and_go(guest: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let patch = Patch::load("patch_fork")?;
    let load = Load::start(3, |_| {
        let output = helper::spawn("reader", &["read", "/proc/version"])?.wait_with_output()?;
        check::contains(
            "/proc/version",
            &String::from_utf8(output.stdout)?,
            "Linux version",
        )
    });
    toggle(&patch, 30)?;
    let programs = load.stop()?;
    guest.note(format!("{programs} programs came and went"));
    ensure!(programs > 20, "only {programs} programs came and went");
    patch.retire()
}

/// Modules that have nothing to do with the patches.
fn modules_come_and_go(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_both")?;
    let others = ["probe_owner", "exit_napper"];
    let load = Load::start(others.len(), move |number| {
        module::load_all(&others[number..=number])?;
        module::remove_all(&others[number..=number])
    });
    toggle(&patch, 30)?;
    let loads = load.stop()?;
    guest.note(format!("{loads} modules came and went"));
    ensure!(loads > 20, "only {loads} modules came and went");
    patch.retire()?;
    before.expect_same()
}

/// Threads load, toggle and unload a patch each; two of them are of one function.
fn patches_come_and_go(_: &Guest) -> Result<()> {
    const ROUNDS: usize = 8;
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    let names = [
        "patch_value",
        "patch_value_again",
        "patch_both",
        "patch_twin",
    ];
    let threads = names.map(|name| {
        thread::spawn(move || -> Result<()> {
            for round in 0..ROUNDS {
                let patch = Patch::load(name).with_context(|| format!("round {round}"))?;
                toggle(&patch, 2)?;
                patch.retire()?;
            }
            Ok(())
        })
    });
    for thread in threads {
        thread.join().map_err(|_| anyhow!("panicked"))??;
    }
    before.expect_same()
}

/// Processes call `getpid()` without a pause. Each must see the original, then only
/// the replacement, then only the original.
fn system_call_hammered(guest: &Guest) -> Result<()> {
    const PROCESSES: usize = 8;
    module::load_all(&["molt"])?;
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        let mut process = helper::spawn("getpid", &["getpid"])?;
        let mut words = BufReader::new(process.stdout.take().context("no stdout")?);
        next(&mut words, "original")?;
        processes.push((process, words));
    }
    let patch = Patch::load("patch_getpid")?;
    for (_, words) in &mut processes {
        next(words, "replaced")?;
    }
    patch.disable()?;
    for (process, words) in &mut processes {
        next(words, "original")?;
        process.kill()?;
        process.wait()?;
        let mut rest = String::new();
        words.read_to_string(&mut rest)?;
        check::equal("more changes", rest.as_str(), "")?;
    }
    guest.note(format!("{} attempts", patch.number("attempts")?));
    patch.remove()
}

/// What a hammering process says next.
fn next(words: &mut impl BufRead, expected: &str) -> Result<()> {
    let mut line = String::new();
    words.read_line(&mut line)?;
    check::equal("getpid()", line.trim_end(), expected)
}
