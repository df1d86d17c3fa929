// SPDX-License-Identifier: GPL-2.0
//! Who is left behind is woken, when that is asked for.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::load;
use crate::guest::patch::Patch;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, target, Guest};

/// A process that always sleeps in a system call follows when it is woken, and notices
/// nothing: the call begins again.
pub fn poked(_: &Guest) -> Result<()> {
    load()?;
    for core_wide in [false, true] {
        let mut process = helper::spawn("pauses", &["pause"])?;
        let mut words = BufReader::new(process.stdout.take().context("no stdout")?);
        words.read_line(&mut String::new())?;
        sleeps(&process)?;
        let patch = Patch::load("patch_pause")?;
        patch.expect_left(1)?;
        thread::sleep(Duration::from_millis(300));
        patch.expect_left(1)?;
        if core_wide {
            fs::write("/sys/kernel/molt/poke_ms", "100")?;
        } else {
            patch.set("poke", "1")?;
        }
        patch.completes()?;
        fs::write("/sys/kernel/molt/poke_ms", "0")?;
        ensure!(process.try_wait()?.is_none(), "the process ended");
        // It is in the replacement now.
        patch.disable()?;
        patch.expect_left(1)?;
        process.kill()?;
        process.wait()?;
        patch.completes()?;
        patch.remove()?;
    }
    Ok(())
}

/// A call that does not begin again by itself fails with `EINTR` when it is poked, and only then.
pub fn poked_call_is_interrupted(_: &Guest) -> Result<()> {
    load()?;
    let mut process = helper::spawn("waits", &["epoll"])?;
    sleeps(&process)?;
    let patch = Patch::load("patch_epoll")?;
    patch.expect_left(1)?;
    thread::sleep(Duration::from_millis(300));
    patch.expect_left(1)?;
    ensure!(process.try_wait()?.is_none(), "the process ended unpoked");
    patch.set("poke", "1")?;
    patch.completes()?;
    let errno = process.wait()?.code();
    check::equal("epoll_wait()", errno, Some(Errno::INTR.raw_os_error()))?;
    patch.retire()
}

/// Waits until the process sleeps.
fn sleeps(process: &Child) -> Result<()> {
    let stat = format!("/proc/{}/stat", process.id());
    check::eventually("it sleeps", || {
        Ok(fs::read_to_string(&stat)?.contains(") S "))
    })
}

/// A kernel thread that sleeps in the function most of the time comes out when it is woken, and
/// goes to the other version next.
pub fn kernel_thread_poked(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    target::set("doze", 1)?;
    check::eventually("it sleeps", || Ok(target::count("dozes")? == 1))?;
    let patch = Patch::load("patch_doze")?;
    patch.expect_left(1)?;
    for (off, dozes) in [(true, 2), (false, 3)] {
        thread::sleep(Duration::from_millis(300));
        patch.expect_left(1)?;
        let blockers = patch.blockers()?;
        ensure!(blockers[0].contains(" dozer "), "{blockers:?}");
        patch.set("poke", "1")?;
        patch.completes()?;
        check::eventually("it sleeps again", || Ok(target::count("dozes")? == dozes))?;
        if off {
            patch.disable()?;
        }
    }
    target::set("doze", 0)?;
    patch.remove()?;
    before.expect_same()
}
