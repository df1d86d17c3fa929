// SPDX-License-Identifier: GPL-2.0
//! Tasks that exit: off the task list, but still in kernel code.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc};
use std::thread;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::{check, module, target, Guest};

scenarios! { exiting:
    asleep_off_the_list.only_stop_machine("pertask::exits_behind"),
    storm.seconds(120),
}

/// Loads `exit_napper.ko`, and starts a thread, `goner`, that sleeps in `target_nap` while it exits
/// and is on no list any more. Returns its id.
pub fn asleep_at_its_end() -> Result<i32> {
    module::load_all(&["exit_napper"])?;
    let (sender, receiver) = mpsc::channel();
    let goner = thread::Builder::new().spawn(move || -> Result<()> {
        rustix::thread::set_name(c"goner")?;
        sender.send(rustix::thread::gettid())?;
        Ok(())
    })?;
    let tid = receiver.recv()?.as_raw_nonzero().get();
    goner.join().expect("the thread does not panic")?;
    check::eventually("the thread sleeps", || Ok(target::count("sleepers")? == 1))?;
    let listed = PathBuf::from(format!("/proc/self/task/{tid}"));
    ensure!(!listed.exists(), "{} still exists", listed.display());
    Ok(tid)
}

/// A thread sleeps in the function while it exits and is on no list any more: the
/// patch is refused and names it, and is accepted once it has gone.
fn asleep_off_the_list(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let tid = asleep_at_its_end()?;
    patch::refuse("patch_nap", "deadline_ms=300", Errno::BUSY, "busy")?;
    let blockers = patch::last_blockers();
    let expected = format!("{tid} goner target_nap+");
    ensure!(
        blockers.len() == 1 && blockers[0].starts_with(&expected),
        "{blockers:?} instead of {expected}…"
    );

    target::wake()?;
    Patch::load("patch_nap")?.retire()?;
    module::remove_all(&["exit_napper"])
}

/// Threads and processes come and go while a patch of a function that all of them
/// call at their end is toggled.
fn storm(guest: &Guest) -> Result<()> {
    const ROUNDS: usize = 40;
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_exit")?;
    let over = Arc::new(AtomicBool::new(false));
    let storms: Vec<_> = (0..4)
        .map(|_| {
            let over = over.clone();
            thread::spawn(move || {
                let mut gone = 0;
                while !over.load(Ordering::Relaxed) {
                    let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| ())).collect();
                    gone += threads
                        .into_iter()
                        .filter_map(|one| one.join().ok())
                        .count();
                }
                gone
            })
        })
        .collect();
    for round in 0..ROUNDS {
        patch.disable().with_context(|| format!("round {round}"))?;
        patch.enable().with_context(|| format!("round {round}"))?;
    }
    over.store(true, Ordering::Relaxed);
    let gone: usize = storms.into_iter().filter_map(|one| one.join().ok()).sum();
    guest.note(format!("{gone} threads came and went"));
    ensure!(gone > 100, "only {gone} threads came and went");
    patch.retire()
}
