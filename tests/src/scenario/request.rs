// SPDX-License-Identifier: GPL-2.0
//! Who asks for a change: several at once, and those who are killed while they wait.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, module, target, Guest};

scenarios! { request:
    two_at_once,
    many_at_once,
    killed_insmod.only_stop_machine("pertask::cancelled_behind_another"),
    killed_disable.only_stop_machine("pertask::cancelled_behind_another"),
    readers_during_a_change,
    second_waits_for_first.only_stop_machine("pertask::two_at_once"),
    written_while_its_load_waits.only_stop_machine("pertask::cancelled_behind_another"),
}

/// Two loads at the same time.
fn two_at_once(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    for _ in 0..5 {
        let threads =
            ["patch_value", "patch_value_again"].map(|name| thread::spawn(|| Patch::load(name)));
        let mut loaded = Vec::new();
        for thread in threads {
            loaded.push(thread.join().map_err(|_| anyhow::anyhow!("panicked"))??);
        }
        let value = target::call("value")?;
        ensure!(value == "2" || value == "3", "value() is {value}");
        for patch in loaded {
            patch.retire()?;
        }
        target::expect("value", "1")?;
    }
    Ok(())
}

/// Four threads toggle three patches of the same function.
fn many_at_once(_: &Guest) -> Result<()> {
    const ROUNDS: usize = 30;
    module::load_all(&["molt", "target"])?;
    let names = [
        "patch_value",
        "patch_value_again",
        "patch_both",
        "patch_value",
    ];
    let mut patches = Vec::new();
    for name in &names[..3] {
        patches.push(Patch::load(name)?);
    }
    let threads = names.map(|name| {
        thread::spawn(move || -> Result<()> {
            let patch = Patch::loaded(name);
            for round in 0..ROUNDS {
                let value = if round % 2 == 0 { "0" } else { "1" };
                patch
                    .write(value)
                    .with_context(|| format!("{name}: enabled={value}"))?;
                let seen = target::call("value")?;
                ensure!(
                    ["1", "2", "3"].contains(&seen.as_str()),
                    "value() is {seen}"
                );
            }
            Ok(())
        })
    });
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("panicked"))??;
    }
    for patch in patches {
        patch.retire()?;
    }
    target::expect("value", "1")?;
    target::expect("first", "1")
}

/// `insmod` is killed while it waits for a blocker: nothing of the patch stays.
fn killed_insmod(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    for _ in 0..3 {
        let mut insmod = helper::spawn("insmod", &["insmod", "patch_nap", "deadline_ms=60000"])?;
        check::eventually("insmod waits", || {
            Ok(Patch::loaded("patch_nap").folder().exists())
        })?;
        thread::sleep(Duration::from_millis(300));
        ensure!(insmod.try_wait()?.is_none(), "insmod did not wait");
        let killed = Instant::now();
        insmod.kill()?;
        insmod.wait()?;
        guest.note(format!("gone {:?} after the signal", killed.elapsed()));
        check::eventually("the module is gone", || {
            Ok(!module::is_loaded("patch_nap")?)
        })?;
        before.expect_same()?;
        check::contains("last_error", &patch::last_error(), "cancelled: ")?;
    }
    target::wake()?;
    sleeper.returns("1")?;
    Patch::load("patch_nap")?.retire()
}

/// The writer of `enabled` is killed while it waits: the patch stays on.
fn killed_disable(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load_with("patch_nap", "deadline_ms=60000")?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    let path = patch.folder().join("enabled").display().to_string();
    let mut writer = helper::spawn("writer", &["write", &path, "0"])?;
    thread::sleep(Duration::from_millis(500));
    ensure!(writer.try_wait()?.is_none(), "the writer did not wait");
    writer.kill()?;
    writer.wait()?;
    patch.expect_enabled(true)?;
    before.expect_same()?;
    check::contains("last_error", &patch.attribute("last_error")?, "cancelled: ")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.retire()
}

/// Everything can be read while a change waits, at once.
fn readers_during_a_change(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn("insmod", &["insmod", "patch_nap", "deadline_ms=4000"])?;
    let patch = Patch::loaded("patch_nap");
    check::eventually("insmod waits", || Ok(patch.folder().join("state").exists()))?;
    let began = Instant::now();
    let mut shown = Vec::new();
    for entry in fs::read_dir(patch.folder())? {
        let path = entry?.path();
        let readable = path.metadata()?.permissions().mode() & 0o444 != 0;
        if path.is_file() && readable {
            shown.push(format!(
                "{}={:?}",
                path.display(),
                fs::read_to_string(&path)?.trim_end()
            ));
        }
    }
    let took = began.elapsed();
    guest.note(format!("read in {took:?}: {shown:#?}"));
    ensure!(took < Duration::from_secs(1), "reading took {took:?}");
    target::wake()?;
    sleeper.leave()?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    patch.retire()
}

/// A second request waits for the first and is served when that has ended.
fn second_waits_for_first(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let first = thread::spawn(|| module::load_with("patch_nap", "deadline_ms=1000"));
    thread::sleep(Duration::from_millis(200));
    let second = Patch::load("patch_value")?;
    let first = first.join().map_err(|_| anyhow::anyhow!("panicked"))?;
    check::refused("insmod patch_nap", first, Errno::BUSY)?;
    target::expect("value", "2")?;
    second.retire()?;
    target::wake()?;
    sleeper.leave()?;
    Ok(())
}

/// Who writes to `enabled` of a patch that is being loaded cannot enable it after its
/// load was refused: its module is on the way out.
fn written_while_its_load_waits(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::loaded("patch_nap");
    let before = Snapshot::take()?;
    let insmod = thread::spawn(|| module::load_with("patch_nap", "deadline_ms=2000"));
    check::eventually("insmod waits", || {
        Ok(patch.folder().join("enabled").exists())
    })?;
    let writers = ["1", "0", "1"].map(|value| {
        thread::sleep(Duration::from_millis(200));
        let patch = patch.clone();
        thread::spawn(move || patch.write(value))
    });
    check::eventually("the load was refused", || {
        Ok(patch::last_error().starts_with("busy: "))
    })?;
    target::wake()?;
    sleeper.returns("1")?;
    let insmod = insmod.join().map_err(|_| anyhow::anyhow!("panicked"))?;
    check::refused("insmod patch_nap", insmod, Errno::BUSY)?;
    for writer in writers {
        let written = writer.join().map_err(|_| anyhow::anyhow!("panicked"))?;
        check::refused("enabled", written, Errno::BUSY)?;
    }
    ensure!(!module::is_loaded("patch_nap")?, "patch_nap is loaded");
    let sleeper = Sleeper::enter("nap")?;
    target::wake()?;
    sleeper.returns("1")?;
    before.expect_same()?;
    Patch::load("patch_nap")?.retire()
}
