// SPDX-License-Identifier: GPL-2.0
//! A patch goes away, also under load; nobody is left in its text.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::Patch;
use crate::guest::sleeper::Sleeper;
use crate::guest::tracefs::Probe;
use crate::guest::{check, helper, log, module, target, Guest};

scenarios! { unload:
    enabled_is_refused,
    under_load.seconds(120),
    with_readers_of_its_files,
    sleeper_keeps_the_text.only_stop_machine("pertask::disabled_around_a_sleeper"),
    waits_for_a_work_item,
    waits_a_second_for_a_stack_without_an_end,
    right_after_the_requester_was_let_go.seconds(120),
    by_force,
}

/// The reference count says no.
fn enabled_is_refused(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    for _ in 0..3 {
        check::refused("rmmod", module::remove("patch_value"), Errno::AGAIN)?;
        target::expect("value", "2")?;
        patch.disable()?;
        patch.enable()?;
    }
    patch.disable()?;
    patch.remove()
}

/// Loaded, switched off and unloaded while threads are in the functions.
fn under_load(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    target::set("gap", 2000)?;
    target::hammer(3)?;
    for round in 0..15 {
        let patch = Patch::load("patch_pair").with_context(|| format!("round {round}"))?;
        patch.retire().with_context(|| format!("round {round}"))?;
    }
    target::hammer(0)?;
    let (old, new) = (target::count("olds")?, target::count("news")?);
    guest.note(format!("{old} old calls, {new} new calls"));
    ensure!(old > 0 && new > 0, "{old} old calls, {new} new calls");
    target::expect("mixes", "0")?;
    module::remove_all(&["target", "molt"])
}

/// Somebody reads and writes its files all the time.
fn with_readers_of_its_files(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let stop = Arc::new(AtomicBool::new(false));
    let threads = ["enabled", "blockers", "target/target_value,1/old_addr"].map(|file| {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let patch = Patch::loaded("patch_value");
            let mut reads = 0;
            while !stop.load(Ordering::Relaxed) {
                reads += usize::from(patch.attribute(file).is_ok());
                let _ = patch.write("x");
                // The one who unloads must get a turn.
                thread::sleep(Duration::from_millis(1));
            }
            reads
        })
    });
    for _ in 0..8 {
        let patch = Patch::load("patch_value")?;
        patch.disable()?;
        // Whoever has a file open at this moment may hold the module.
        check::eventually("rmmod", || match module::remove("patch_value") {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => Ok(false),
            Err(error) => Err(error.into()),
        })?;
    }
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        let reads = thread.join().map_err(|_| anyhow::anyhow!("panicked"))?;
        ensure!(reads > 0, "a reader never read");
    }
    module::remove_all(&["molt", "target"])
}

/// RCU-tasks would end at this sleep; the text must stay.
fn sleeper_keeps_the_text(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load_with("patch_nap", "deadline_ms=300")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.retire()
}

/// What the patch left behind is still in its code, asleep: a grace period of RCU-tasks would end
/// there.
fn waits_for_a_work_item(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_work")?;
    patch.disable()?;
    let mut child = helper::spawn("rmmod", &["rmmod", "patch_work"])?;
    check::eventually("told in the log", || {
        let told = "patch_work: not unloaded yet, in its code";
        Ok(log::read()?
            .lines()
            .any(|line| line.contains(told) && line.contains("kworker")))
    })?;
    thread::sleep(Duration::from_millis(500));
    ensure!(child.try_wait()?.is_none(), "rmmod did not wait");
    target::wake()?;
    ensure!(child.wait()?.success(), "rmmod failed");
    module::remove_all(&["target", "molt"])
}

/// Somebody's stack can never be walked to its end, and nobody is known to be inside: the module
/// goes, not at once.
fn waits_a_second_for_a_stack_without_an_end(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    patch.disable()?;
    let probe = Probe::on_return("spin", "target_spin")?;
    let spinner = Sleeper::enter("spin")?;
    let begun = Instant::now();
    patch.remove()?;
    let took = begun.elapsed();
    ensure!(took >= Duration::from_millis(900), "gone after {took:?}");
    let told = "patch_value: not unloaded yet";
    ensure!(
        !log::read()?.contains(told),
        "somebody was seen in its code"
    );
    target::wake()?;
    spinner.leave()?;
    probe.remove()?;
    module::remove_all(&["target", "molt"])
}

/// The writer of `enabled` is in the way of its own change, so it gets its answer
/// before the change. The module goes as soon as it can, while the worker still has
/// to say that it has done the change.
fn right_after_the_requester_was_let_go(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    for round in 0..30 {
        let patch = Patch::load("patch_write").with_context(|| format!("round {round}"))?;
        patch.write("0")?;
        check::eventually("rmmod", || Ok(module::remove("patch_write").is_ok()))?;
    }
    module::remove_all(&["molt"])
}

/// `rmmod -f` of a patch that is on, is being taken off around a sleeper, or was forced: it does
/// not come back, and everything stays as it is.
fn by_force(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let forced = Patch::load("patch_force")?;
    forced.disable()?;
    let value = Patch::load("patch_value")?;
    let nap = Patch::load_with("patch_nap", "deadline_ms=300")?;
    let sleeper = Sleeper::enter("nap")?;
    // Refused, or on its way, by the model.
    let _ = nap.write("0");
    let mut children = Vec::new();
    for patch in [&value, &nap, &forced] {
        let name = patch.folder();
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        children.push(helper::spawn("rmmod", &["rmmod-f", &name])?);
    }
    thread::sleep(Duration::from_millis(500));
    for child in &mut children {
        ensure!(child.try_wait()?.is_none(), "rmmod -f came back");
    }
    target::expect("value", "2")?;
    value.expect_enabled(true)?;
    check::refused("enabled", value.write("0"), Errno::NODEV)?;
    target::wake()?;
    sleeper.returns("2")
}
