// SPDX-License-Identifier: GPL-2.0
//! What patches can do otherwise, task by task.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::load;
use crate::guest::load::Load;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, journal, module, target, Guest};

/// At one instant when that can be had; else task by task, after the deadline.
pub fn automatic(_: &Guest) -> Result<()> {
    load()?;
    patch::set_consistency("auto")?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(0)?;
    patch.retire()?;

    let sleeper = Sleeper::enter("nap")?;
    let begun = Instant::now();
    let patch = Patch::load_with("patch_nap", "deadline_ms=500")?;
    ensure!(
        begun.elapsed() >= Duration::from_millis(500),
        "it did not wait"
    );
    patch.expect_left(1)?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    patch.set("consistency", "stop_machine")?;
    patch.retire()
}

/// It is that also when somebody else needs the registry at the deadline, for whom a change gives
/// way.
pub fn automatic_gives_way(_: &Guest) -> Result<()> {
    load()?;
    patch::set_consistency("auto")?;
    let other = Patch::load("patch_value")?;
    let sleeper = Sleeper::enter("nap")?;
    let visits = Load::start(1, move |_| Ok(other.set("redirect", "ftrace")?));
    for round in 0..10 {
        let patch = Patch::load_with("patch_nap", "deadline_ms=200")
            .with_context(|| format!("round {round}"))?;
        patch.expect_left(1)?;
        patch.retire()?;
    }
    visits.stop()?;
    target::wake()?;
    sleeper.returns("1")
}

/// Who is killed before the deadline has asked for nothing, task by task neither.
pub fn automatic_is_cancelled(_: &Guest) -> Result<()> {
    load()?;
    patch::set_consistency("auto")?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    let mut insmod = helper::spawn("insmod", &["insmod", "patch_nap", "deadline_ms=60000"])?;
    check::eventually("insmod waits", || {
        Ok(Patch::loaded("patch_nap").folder().exists())
    })?;
    thread::sleep(Duration::from_millis(300));
    insmod.kill()?;
    insmod.wait()?;
    check::eventually("the module is gone", || {
        Ok(!module::is_loaded("patch_nap")?)
    })?;
    check::contains("last_error", &patch::last_error(), "cancelled: ")?;
    before.expect_same()?;
    target::wake()?;
    sleeper.returns("1")
}

/// Words and numbers that make no sense.
pub fn input(_: &Guest) -> Result<()> {
    load()?;
    let patch = Patch::load("patch_value")?;
    for (file, value) in [
        ("consistency", "per_tas"),
        ("poke", "0"),
        ("poke", "x"),
        ("force", "0"),
        ("force", "1"),
    ] {
        check::refused(
            &format!("{value:?} to {file}"),
            patch.set(file, value),
            Errno::INVAL,
        )?;
    }
    patch.set("poke", "1").context("nobody to be woken")?;
    for model in ["auto", "stop_machine", "per_task\n"] {
        patch.set("consistency", model)?;
        let says = patch.attribute("consistency")?;
        check::equal("consistency", says.as_str(), model.trim_end())?;
        patch::set_consistency(model)?;
    }
    patch.retire()
}

/// One patch on another, and off again below it: each waits for its own sleepers.
pub fn stacked(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let below = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let above = Patch::load("patch_everywhere")?;
    above.expect_left(1)?;
    target::expect("nap", "2")?;
    // Its replacement is where calls of the sleeper go.
    check::refused("disable", below.write("0"), Errno::BUSY)?;
    target::wake()?;
    sleeper.returns("2")?;
    above.completes()?;
    below.retire()?;
    target::expect("nap", "2")?;
    above.retire()?;
    before.expect_same()
}

/// What an old patch has done to the system is taken over at the beginning of the transition, by a
/// reference of its own; turned round, the old one has it as before, and in the end the new one
/// alone.
pub fn states(_: &Guest) -> Result<()> {
    let level = || -> Result<String> { Ok(fs::read_to_string("/proc/sys/kernel/printk")?) };
    load()?;
    module::load_all(&["journal"])?;
    let original = level()?;
    let remembered = original.split_whitespace().next().unwrap_or_default();
    let first = Patch::load("patch_level_1")?;
    let raised = level()?;
    ensure!(raised != original, "the level is not raised");
    let sleeper = Sleeper::enter("nap")?;
    for reversed in [true, false] {
        let second = Patch::load("patch_level_2")?;
        second.expect_left(1)?;
        target::expect("value", "2")?;
        target::expect("second", remembered)?;
        check::equal("the level", level()?, raised.clone())?;
        check::refused("rmmod", module::remove("patch_level_1"), Errno::AGAIN)?;
        if reversed {
            second.disable()?;
            second.completes()?;
            second.remove()?;
            target::expect("value", "1")?;
            target::expect("second", remembered)?;
            check::equal("the level", level()?, raised.clone())?;
        }
    }
    target::wake()?;
    sleeper.returns("1")?;
    let second = Patch::loaded("patch_level_2");
    second.completes()?;
    first.remove()?;
    target::expect("second", remembered)?;
    journal::expect(&["level remembered"])?;
    second.disable()?;
    second.completes()?;
    check::equal("the level", level()?, original)?;
    journal::expect(&["level forgotten"])?;
    second.remove()
}

/// Only the handler knows who is left behind: jumps come when the transition is complete.
pub fn redirected_by_jumps(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let direct = |patch: &Patch, expected: &'static str| {
        check::eventually(&format!("direct is {expected}"), || {
            Ok(patch.attribute("direct")? == expected)
        })
    };
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    check::refused("redirect", patch.set("redirect", "direct"), Errno::BUSY)?;
    let error = patch.attribute("last_error")?;
    ensure!(
        error.starts_with("owned: target_nap+") && error.contains("part of a transition"),
        "{error}"
    );
    check::equal("redirect", patch.attribute("redirect")?.as_str(), "ftrace")?;
    patch.set("redirect", "auto")?;
    direct(&patch, "0")?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    direct(&patch, "1")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    direct(&patch, "0")?;
    // And back, around the same sleeper.
    patch.enable()?;
    patch.completes()?;
    direct(&patch, "1")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.retire()?;
    before.expect_same()
}

/// Those that come after a change come when its last task has followed.
pub fn callbacks(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_callbacks_nap")?;
    patch.expect_left(1)?;
    journal::expect(&["patch_callbacks_nap pre_patch target"])?;
    target::wake()?;
    sleeper.leave()?;
    patch.completes()?;
    journal::wait_for("patch_callbacks_nap post_patch target")?;
    journal::expect(&["patch_callbacks_nap post_patch target"])?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    journal::expect(&["patch_callbacks_nap pre_unpatch target"])?;
    target::wake()?;
    sleeper.leave()?;
    patch.completes()?;
    journal::expect(&["patch_callbacks_nap post_unpatch target"])?;
    patch.remove()
}

/// They run as well, and are told that somebody may be in the patch's code.
pub fn callbacks_of_a_forced_change(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let patch = Patch::load("patch_callbacks_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    journal::clear()?;
    patch.disable()?;
    patch.expect_left(1)?;
    patch.set("force", "1")?;
    journal::expect(&[
        "patch_callbacks_nap pre_unpatch target",
        "patch_callbacks_nap post_unpatch_forced target",
    ])?;
    target::wake()?;
    sleeper.returns("2")
}

/// As livepatch calls them: the end of the way back, not its beginning.
pub fn callbacks_of_a_reversed_change(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_callbacks_nap")?;
    patch.disable()?;
    patch.completes()?;
    journal::expect(&[
        "patch_callbacks_nap pre_patch target",
        "patch_callbacks_nap post_unpatch target",
    ])?;
    target::wake()?;
    sleeper.leave()?;
    patch.enable()?;
    patch.completes()?;
    journal::clear()?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.enable()?;
    patch.completes()?;
    journal::expect(&[
        "patch_callbacks_nap pre_unpatch target",
        "patch_callbacks_nap post_patch target",
    ])?;
    target::wake()?;
    sleeper.leave()?;
    patch.retire()
}
