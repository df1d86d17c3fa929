// SPDX-License-Identifier: GPL-2.0
//! Who is left behind makes other tasks, which are then left behind as well.

use std::io;

use anyhow::{ensure, Result};
use rustix::io::Errno;

use super::load;
use crate::guest::patch::Patch;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, target, Guest};

/// A process is left behind in the middle of a fork; its child is in the old universe too, until
/// it is switched out or looked at. Which comes first is chance, so this is tried often.
pub fn forks_behind(guest: &Guest) -> Result<()> {
    const ROUNDS: u32 = 20;
    load()?;
    // Who is called `forker` sleeps in it.
    let fork = Patch::load("patch_fork_nap")?;
    let before = Snapshot::take()?;
    let (mut inherited, mut all) = (0, 0);
    for _ in 0..ROUNDS {
        let sleepers = target::count("sleepers")?;
        let parent = helper::spawn("forker", &["fork"])?;
        check::eventually("the parent sleeps", || {
            Ok(target::count("sleepers")? > sleepers)
        })?;
        let patch = Patch::load("patch_clone")?;
        patch.expect_left(1)?;
        target::wake()?;
        let said = parent.wait_with_output()?.stdout;
        (inherited, all) = (inherited + u32::from(said == b"original\n"), all + 1);
        patch.completes()?;
        patch.retire()?;
    }
    guest.note(format!(
        "{inherited} of {all} children began in the old universe"
    ));
    ensure!(inherited > 0, "no child of {all} began in the old universe");
    before.expect_same()?;
    fork.retire()
}

/// Processes that are left behind fork, and their children are left behind with them, while all are
/// taken along by force.
pub fn forced_while_they_fork(guest: &Guest) -> Result<()> {
    const ROUNDS: u32 = 20;
    const FORKERS: u64 = 8;
    load()?;
    let _naps = Patch::load("patch_fork_nap")?;
    let mut forced = 0;
    for _ in 0..ROUNDS {
        let forkers = (0..FORKERS).map(|_| helper::spawn("forker", &["fork"]));
        let forkers = forkers.collect::<io::Result<Vec<_>>>()?;
        check::eventually("they sleep", || Ok(target::count("sleepers")? == FORKERS))?;
        let patch = Patch::load("patch_clone")?;
        patch.expect_left(FORKERS)?;
        target::wake()?;
        match patch.set("force", "1") {
            Ok(()) => {
                patch.expect_left(0)?;
                forced += 1;
            }
            // Nobody was left any more.
            other => {
                check::refused("force", other, Errno::INVAL)?;
                patch.completes()?;
            }
        }
        patch.expect_enabled(true)?;
        for forker in forkers {
            let output = forker.wait_with_output()?;
            ensure!(output.status.success(), "{output:?}");
        }
        patch.retire()?;
    }
    guest.note(format!("{forced} of {ROUNDS} changes were forced"));
    ensure!(forced > 0, "no change was forced");
    Ok(())
}

/// The same of a thread of io_uring's that is made by a task which is left behind.
pub fn io_uring_worker_made_behind(guest: &Guest) -> Result<()> {
    const ROUNDS: u32 = 20;
    load()?;
    // Who is called `forker` sleeps when it makes a task.
    let fork = Patch::load("patch_fork_nap")?;
    let before = Snapshot::take()?;
    let mut inherited = 0;
    for _ in 0..ROUNDS {
        let parent = helper::spawn("forker", &["uring", &target::path("value")])?;
        check::eventually("the parent sleeps", || Ok(target::count("sleepers")? == 1))?;
        let patch = Patch::load("patch_uring")?;
        patch.expect_left(1)?;
        target::expect("value", "2")?;
        target::wake()?;
        let output = parent.wait_with_output()?;
        ensure!(output.status.success(), "{output:?}");
        inherited += u32::from(output.stdout == b"1\n");
        patch.completes()?;
        patch.retire()?;
    }
    guest.note(format!(
        "{inherited} of {ROUNDS} workers began in the old universe"
    ));
    ensure!(
        inherited > 0,
        "no worker of {ROUNDS} began in the old universe"
    );
    before.expect_same()?;
    fork.retire()
}
