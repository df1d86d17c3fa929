// SPDX-License-Identifier: GPL-2.0
//! Functions that are replaced although tasks are inside.

use anyhow::{ensure, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, target, Guest};

scenarios! { force:
    replaces_under_a_sleeper.only_stop_machine("pertask::forced_functions"),
    disabled_under_a_sleeper,
    never_unloads,
    refused_patch_unloads,
    other_functions_are_checked.only_stop_machine("pertask::forced_functions"),
    patch_on_top_is_checked.only_stop_machine("pertask::on_top_of_a_forced_function"),
    superseded_stays_loaded,
    shows_itself,
}

/// Who is inside finishes the old code, who comes runs the new.
fn replaces_under_a_sleeper(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    sleeper.refuses("patch_nap", "target_nap")?;
    let patch = Patch::load("patch_force")?;
    target::expect("nap", "2")?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.disable()?;
    patch.enable()?;
    target::expect("nap", "2")
}

/// The same on the way back. The sleeper comes back to text that is still there.
fn disabled_under_a_sleeper(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_force_nap")?;
    let first = Sleeper::enter("nap")?;
    patch.disable()?;
    let second = Sleeper::enter("nap")?;
    patch.enable()?;
    check::refused("rmmod", module::remove("patch_force_nap"), Errno::AGAIN)?;
    target::wake()?;
    first.returns("2")?;
    second.returns("1")
}

/// Nobody can know when the last task has left.
fn never_unloads(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_force")?;
    check::equal("forced", patch.attribute("forced")?.as_str(), "1")?;
    patch.disable()?;
    check::equal("forced", patch.attribute("forced")?.as_str(), "1")?;
    for name in ["patch_force", "molt"] {
        check::refused(name, module::remove(name), Errno::AGAIN)?;
    }
    // It is still a patch, and its target still a module.
    module::remove_all(&["target"])?;
    module::load_all(&["target"])?;
    patch.enable()?;
    target::expect("nap", "2")
}

/// One that was never enabled has sent nobody anywhere.
fn refused_patch_unloads(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    module::load_with("klp_owner", "symbol=target_nap")?;
    patch::refuse("patch_force", "", Errno::BUSY, "owned")?;
    std::fs::write("/sys/kernel/livepatch/klp_owner/enabled", "0")?;
    check::eventually("mainline's patch goes", || {
        Ok(module::remove("klp_owner").is_ok())
    })?;
    before.expect_same()
}

/// Only the functions that are marked are not looked for.
fn other_functions_are_checked(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let napper = Sleeper::enter("nap")?;
    let deep = Sleeper::enter("deep")?;
    let before = Snapshot::take()?;
    deep.refuses("patch_force_half", "target_deep")?;
    let blockers = patch::last_blockers();
    ensure!(
        blockers.iter().all(|line| !line.contains("target_nap")),
        "the forced function is in the way: {blockers:?}"
    );
    before.expect_same()?;
    deep.kill()?;
    Patch::load("patch_force_half")?;
    target::expect("nap", "2")?;
    target::expect("deep", "2")?;
    target::wake()?;
    napper.returns("1")
}

/// Who forces nothing meets nobody: neither in what was forced, nor in what that was put over.
fn patch_on_top_is_checked(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let below = Sleeper::enter("nap")?;
    Patch::load("patch_force_nap")?;
    below.refuses("patch_nap", "target_nap")?;
    let inside = Sleeper::enter("nap")?;
    check::equal("blockers", patch_nap_blockers(&inside)?, 2)?;
    target::wake()?;
    below.returns("1")?;
    inside.returns("2")?;
    Patch::load("patch_nap")?.retire()
}

fn patch_nap_blockers(inside: &Sleeper) -> Result<usize> {
    patch::refuse("patch_nap", "deadline_ms=300", Errno::BUSY, "busy")?;
    let blockers = patch::last_blockers();
    let named = format!("{} ", inside.pid());
    ensure!(
        blockers.iter().any(|line| line.starts_with(&named)),
        "{blockers:?} does not name {named}"
    );
    Ok(blockers.len())
}

/// Replaced by another patch, it is off and cannot go.
fn superseded_stays_loaded(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let old = Patch::load("patch_force_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let new = Patch::load("patch_cumulative")?;
    old.expect_enabled(false)?;
    check::equal("state", old.attribute("state")?.as_str(), "superseded")?;
    check::refused("rmmod", module::remove("patch_force_nap"), Errno::AGAIN)?;
    target::wake()?;
    sleeper.returns("2")?;
    new.retire()
}

/// sysfs tells which functions, and that the module stays.
fn shows_itself(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let half = Patch::load("patch_force_half")?;
    let other = Patch::load("patch_value")?;
    for (patch, file, value) in [
        (&half, "forced", "1"),
        (&half, "target/target_nap,1/force", "1"),
        (&half, "target/target_deep,1/force", "0"),
        (&other, "forced", "0"),
        (&other, "target/target_value,1/force", "0"),
    ] {
        check::equal(file, patch.attribute(file)?.as_str(), value)?;
    }
    other.retire()
}
