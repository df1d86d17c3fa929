// SPDX-License-Identifier: GPL-2.0
//! Patches that replace all others.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::io::Errno;

use super::load;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, target, Guest};

/// What is superseded stays until the last task has left it.
pub fn replaces(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let old = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_cumulative")?;
    patch.expect_left(1)?;
    target::expect("value", "5")?;
    old.expect_enabled(true)?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)?;
    let other = Sleeper::enter("nap")?;
    target::wake()?;
    sleeper.returns("2")?;
    other.returns("1")?;
    patch.completes()?;
    check::equal("state", old.attribute("state")?.as_str(), "superseded")?;
    old.remove()?;
    patch.retire()?;
    before.expect_same()
}

/// Nothing is superseded then.
pub fn replacing_reversed(_: &Guest) -> Result<()> {
    load()?;
    let old = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_cumulative")?;
    patch.expect_left(1)?;
    patch.disable()?;
    patch.completes()?;
    patch.remove()?;
    old.expect_enabled(true)?;
    target::expect("value", "1")?;
    target::wake()?;
    sleeper.returns("2")?;
    let last = Sleeper::enter("nap")?;
    target::wake()?;
    last.returns("2")?;
    old.retire()
}

/// A patch that replaces is disabled, and that is turned round: those that came after it stay.
pub fn replacing_stays(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_cumulative_nap")?;
    let above = Patch::load("patch_value")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    patch.enable()?;
    patch.completes()?;
    above.expect_enabled(true)?;
    check::equal("state", above.attribute("state")?.as_str(), "enabled")?;
    target::expect("value", "2")?;
    target::wake()?;
    sleeper.returns("2")?;
    above.retire()?;
    target::expect("value", "5")?;
    patch.retire()?;
    before.expect_same()
}

/// Who is loaded while a patch that replaces is on its way comes after it.
pub fn loaded_behind_one_that_replaces(_: &Guest) -> Result<()> {
    load()?;
    let old = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_cumulative")?;
    patch.expect_left(1)?;
    let loaded = thread::spawn(|| Patch::load("patch_value"));
    check::eventually(
        "it waits",
        || Ok(Patch::loaded("patch_value").is_changing()),
    )?;
    thread::sleep(Duration::from_millis(200));
    target::wake()?;
    sleeper.returns("2")?;
    patch.completes()?;
    let above = loaded.join().expect("it does not panic")?;
    target::expect("value", "2")?;
    above.retire()?;
    target::expect("value", "5")?;
    old.remove()?;
    patch.retire()
}

/// A patch that replaces all others is alone on its way: nobody comes to lie above it who would go
/// with those below, and who is among these is off for good when it is complete, whatever was asked
/// meanwhile.
pub fn replacing_is_alone(_: &Guest) -> Result<()> {
    load()?;
    let old = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("deep")?;
    let deep = Patch::load("patch_deep")?;
    deep.expect_left(1)?;
    patch::refuse("patch_cumulative", "deadline_ms=300", Errno::BUSY, "busy")?;
    target::wake()?;
    sleeper.leave()?;
    deep.completes()?;
    deep.disable()?;

    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_cumulative")?;
    patch.expect_left(1)?;
    patch::refuse("patch_pair", "deadline_ms=300", Errno::BUSY, "busy")?;
    check::contains("last_error", &patch::last_error(), "patch_cumulative")?;
    let asked = ["0", "1"].map(|value| {
        let patch = match value {
            "0" => old.clone(),
            _ => deep.clone(),
        };
        thread::spawn(move || patch.write(value))
    });
    // The worker has one of them, and the other has to wait for that.
    check::eventually("one waits", || Ok(old.is_changing() || deep.is_changing()))?;
    thread::sleep(Duration::from_millis(200));
    target::wake()?;
    sleeper.returns("2")?;
    patch.completes()?;
    let [off, on] = asked.map(|asked| asked.join().expect("it does not panic"));
    off.context("what is off already")?;
    check::refused("enabled=1", on, Errno::STALE)?;
    for one in [&old, &deep] {
        check::equal("state", one.attribute("state")?.as_str(), "superseded")?;
        check::refused("enabled=1", one.write("1"), Errno::STALE)?;
    }
    target::expect("value", "5")?;
    old.remove()?;
    deep.remove()?;
    patch.retire()
}

/// A patch that replaces all others comes when one has just left its function, and its functions
/// are not disarmed yet: who is in the kernel's own code there is in nobody's way.
pub fn replaces_what_is_bare(_: &Guest) -> Result<()> {
    load()?;
    let replacing = Patch::load_with("patch_cumulative", "deadline_ms=1000")?;
    replacing.disable()?;
    for model in ["stop_machine", "per_task"] {
        replacing.set("consistency", model)?;
        let patch = Patch::load("patch_nap")?;
        let new = Sleeper::enter("nap")?;
        patch.disable()?;
        let original = Sleeper::enter("nap")?;
        patch.expect_left(1)?;
        // The worker is done with the request.
        thread::sleep(Duration::from_millis(500));
        new.kill()?;
        while patch.is_changing() {}
        replacing.write("1").context(model)?;
        replacing.expect_left(0)?;
        target::wake()?;
        original.returns("1")?;
        replacing.disable()?;
        patch.remove()?;
    }
    replacing.remove()
}
