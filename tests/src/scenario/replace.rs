// SPDX-License-Identifier: GPL-2.0
//! A patch that replaces all before it in one change.

use std::fs;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, journal, late, module, target, tracefs, Guest};

scenarios! { replace:
    takes_over,
    alone,
    by_the_next,
    superseded_cannot_come_back,
    superseded_is_loaded_again,
    disabled_patch_is_superseded,
    patch_stacks_on_top,
    refused_changes_nothing,
    sleeper_in_a_dropped_replacement.only_stop_machine("pertask::replaces"),
    target_modules_are_free,
    module_comes_after,
    module_comes_while_it_is_blocked
        .only_stop_machine("pertask::module_comes_to_one_that_replaces"),
    under_load.seconds(120),
}

/// What the functions return that the patches of this area are about.
fn expect(cmdline: bool, value: &str, both: &str, twin: &str) -> Result<()> {
    let text = fs::read_to_string("/proc/cmdline")?;
    check::equal("/proc/cmdline", text == "cumulative\n", cmdline)?;
    target::expect("value", value)?;
    target::expect("first", both)?;
    target::expect("second", both)?;
    target::expect("twin_b", twin)
}

fn expect_state(patch: &Patch, state: &str) -> Result<()> {
    check::equal("state", patch.attribute("state")?.as_str(), state)
}

/// Three patches go in one stop, the functions that nobody replaces any more are the
/// kernel's, and the three modules can be unloaded.
fn takes_over(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    let mut old = Vec::new();
    for name in ["patch_value", "patch_both", "patch_twin"] {
        old.push(Patch::load(name)?);
    }
    expect(false, "2", "2", "22")?;
    let patch = Patch::load("patch_cumulative")?;
    expect(true, "5", "1", "2")?;
    check::equal("attempts", patch.number("attempts")?, 1)?;
    check::equal("replace", patch.attribute("replace")?.as_str(), "1")?;
    check::equal("stack_order", patch.number("stack_order")?, 1)?;
    for patch in &old {
        patch.expect_enabled(false)?;
        expect_state(patch, "superseded")?;
        check::equal("replace", patch.attribute("replace")?.as_str(), "0")?;
        check::equal("stack_order", patch.number("stack_order")?, 0)?;
        check::equal("transition", patch.attribute("transition")?.as_str(), "0")?;
        let object = patch.attribute("target/state")?;
        check::equal("target/state", object.as_str(), "unpatched")?;
    }
    for patch in old {
        patch.remove()?;
    }
    expect(true, "5", "1", "2")?;
    patch.disable()?;
    expect(false, "1", "1", "2")?;
    patch.enable()?;
    expect(true, "5", "1", "2")?;
    patch.retire()?;
    before.expect_same()
}

/// With nothing to replace it is a patch like others.
fn alone(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_cumulative")?;
    check::equal("replace", patch.attribute("replace")?.as_str(), "1")?;
    expect(true, "5", "1", "2")?;
    patch.disable()?;
    expect(false, "1", "1", "2")?;
    patch.enable()?;
    patch.retire()?;
    before.expect_same()
}

/// One that replaces is replaced by the next.
fn by_the_next(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal", "late"])?;
    let first = Patch::load("patch_cumulative")?;
    let second = Patch::load("patch_cumulative_more")?;
    expect_state(&first, "superseded")?;
    target::expect("value", "1")?;
    target::expect("first", "6")?;
    late::expect("value", "6")?;
    first.remove()?;
    let again = Patch::load("patch_cumulative")?;
    expect_state(&second, "superseded")?;
    expect(true, "5", "1", "2")?;
    late::expect("value", "1")?;
    second.remove()?;
    again.retire()
}

/// Its `enabled` file would put old code on top of new.
fn superseded_cannot_come_back(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let old = Patch::load("patch_value")?;
    let new = Patch::load("patch_cumulative")?;
    let before = Snapshot::take()?;
    for _ in 0..3 {
        old.refuse("1", Errno::STALE, "superseded")?;
        old.write("0").context("asking for what is")?;
        before.expect_same()?;
    }
    // Also when nothing is on top any more: what it was written for is gone.
    new.disable()?;
    old.refuse("1", Errno::STALE, "superseded")?;
    target::expect("value", "1")?;
    new.remove()?;
    old.refuse("1", Errno::STALE, "superseded")?;
    old.remove()
}

/// Who loads the module again wants it on top.
fn superseded_is_loaded_again(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let old = Patch::load("patch_value")?;
    let new = Patch::load("patch_cumulative")?;
    check::refused("insmod", module::load("patch_value"), Errno::EXIST)?;
    old.remove()?;
    let again = Patch::load("patch_value")?;
    expect(true, "2", "1", "2")?;
    check::equal("stack_order", again.number("stack_order")?, 2)?;
    again.retire()?;
    expect(true, "5", "1", "2")?;
    new.retire()
}

/// A patch that is off when the others are replaced is superseded like them.
fn disabled_patch_is_superseded(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let old = Patch::load("patch_value")?;
    old.disable()?;
    let new = Patch::load("patch_cumulative")?;
    expect_state(&old, "superseded")?;
    old.refuse("1", Errno::STALE, "superseded")?;
    expect(true, "5", "1", "2")?;
    old.remove()?;
    new.retire()
}

/// What is loaded later stacks on a patch that replaced, and is replaced when that is
/// enabled again.
fn patch_stacks_on_top(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let lower = Patch::load("patch_cumulative")?;
    let upper = Patch::load("patch_value")?;
    let both = Patch::load("patch_both")?;
    expect(true, "2", "2", "2")?;
    upper.disable()?;
    expect(true, "5", "2", "2")?;
    upper.enable()?;
    lower.disable()?;
    expect(false, "2", "2", "2")?;
    lower.enable()?;
    expect(true, "5", "1", "2")?;
    expect_state(&upper, "superseded")?;
    expect_state(&both, "superseded")?;
    upper.remove()?;
    both.remove()?;
    lower.retire()
}

/// As long as it cannot be enabled, all that it would replace stays on.
fn refused_changes_nothing(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let old = [Patch::load("patch_both")?, Patch::load("patch_twin")?];
    module::load_with("klp_owner", "symbol=target_value")?;
    check::eventually("mainline's patch works", || {
        Ok(target::call("value")? == "50")
    })?;
    let before = Snapshot::take()?;
    for _ in 0..2 {
        patch::refuse("patch_cumulative", "", Errno::BUSY, "owned")?;
        before.expect_same()?;
    }
    for patch in old {
        patch.disable()?;
        patch.enable()?;
        patch.retire()?;
    }
    Ok(())
}

/// Nobody may be in the code that goes, although no function of the new patch is
/// concerned.
fn sleeper_in_a_dropped_replacement(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let stops = tracefs::count_stops()?;
    let old = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    let stopped = stops.hits()?;
    patch::refuse("patch_cumulative", "deadline_ms=300", Errno::BUSY, "busy")?;
    check::equal("stops", stops.hits()?, stopped)?;
    let blockers = patch::last_blockers();
    let start = format!("{} {} ", sleeper.pid(), sleeper.comm());
    ensure!(
        blockers
            .iter()
            .any(|line| line.starts_with(&start) && line.ends_with("[patch_nap]")),
        "the sleeper is not in [patch_nap] among {blockers:?}"
    );
    before.expect_same()?;
    target::wake()?;
    sleeper.returns("2")?;
    let new = Patch::load("patch_cumulative")?;
    old.remove()?;
    let sleeper = Sleeper::enter("nap")?;
    target::wake()?;
    sleeper.returns("1")?;
    new.retire()?;
    stops.remove()
}

/// Neither the new patch nor those before hold the modules that they patch.
fn target_modules_are_free(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal", "late"])?;
    let old = Patch::load("patch_everywhere")?;
    let new = Patch::load("patch_cumulative")?;
    late::expect("value", "1")?;
    old.remove()?;
    module::remove_all(&["late", "target"])?;
    module::load_all(&["target", "late"])?;
    journal::expect(&["late init 1", "late exit", "late init 1"])?;
    expect(true, "5", "1", "2")?;
    new.retire()
}

/// A module that comes later meets the new patch only.
fn module_comes_after(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let old = Patch::load("patch_late_again")?;
    let new = Patch::load("patch_cumulative_more")?;
    check::equal(
        "old late/state",
        old.attribute("late/state")?.as_str(),
        "unpatched",
    )?;
    check::equal(
        "new late/state",
        new.attribute("late/state")?.as_str(),
        "pending",
    )?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 6"])?;
    late::expect("other", "1")?;
    old.remove()?;
    new.retire()?;
    late::expect("value", "1")
}

/// A module that comes before it meets the old patches, and is then sent back to its
/// own code with the others.
fn module_comes_while_it_is_blocked(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let old = Patch::load("patch_late_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn(
        "insmod",
        &["insmod", "patch_cumulative", "deadline_ms=60000"],
    )?;
    let new = Patch::loaded("patch_cumulative");
    check::eventually("insmod waits", || Ok(new.is_changing()))?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 2"])?;
    old.expect_enabled(true)?;
    target::wake()?;
    sleeper.returns("2")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    late::expect("value", "1")?;
    old.remove()?;
    new.retire()
}

/// A pair of functions goes back to the kernel's while all CPUs call it, and nobody
/// meets one of each.
fn under_load(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    target::set("gap", 2000)?;
    target::hammer(3)?;
    for round in 0..15 {
        let old = Patch::load("patch_pair").with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x22")?;
        let new = Patch::load("patch_cumulative").with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x11")?;
        new.completes()?;
        old.remove()?;
        new.retire()?;
    }
    target::hammer(0)?;
    let (old, new) = (target::count("olds")?, target::count("news")?);
    guest.note(format!("{old} old calls, {new} new calls"));
    ensure!(old > 0 && new > 0, "{old} old calls, {new} new calls");
    target::expect("mixes", "0")
}
