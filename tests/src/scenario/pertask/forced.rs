// SPDX-License-Identifier: GPL-2.0
//! What is done although tasks are inside: by the word of the author, for functions, or of the
//! operator, for a transition.

use anyhow::Result;
use rustix::io::Errno;

use super::{load, stays_behind};
use crate::guest::patch::Patch;
use crate::guest::sleeper::Sleeper;
use crate::guest::{check, module, target, Guest};

/// Functions that the author forces: nobody is looked for in them, and nobody stays behind there.
pub fn forced_functions(_: &Guest) -> Result<()> {
    load()?;
    let napper = Sleeper::enter("nap")?;
    let deep = Sleeper::enter("deep")?;
    let half = Patch::load("patch_force_half")?;
    stays_behind(&deep, &half, "target_deep")?;
    target::expect("nap", "2")?;
    target::wake()?;
    napper.returns("1")?;
    deep.returns("150")?;
    half.completes()
}

/// Who forces nothing leaves everybody behind who is in what was forced, or in what that was put
/// over.
pub fn on_top_of_a_forced_function(_: &Guest) -> Result<()> {
    load()?;
    let below = Sleeper::enter("nap")?;
    Patch::load("patch_force_nap")?.expect_left(0)?;
    let inside = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(2)?;
    target::wake()?;
    below.returns("1")?;
    inside.returns("2")?;
    patch.completes()?;
    patch.retire()
}

/// Only the functions that are forced are left out: who is in the replacement of another stays
/// behind when the patch is taken off again, before it was on for everybody.
pub fn reversed_beside_a_forced_function(_: &Guest) -> Result<()> {
    load()?;
    let old = Sleeper::enter("deep")?;
    let patch = Patch::load("patch_force_deep")?;
    stays_behind(&old, &patch, "target_deep")?;
    let new = Sleeper::enter("deep")?;
    patch.disable()?;
    patch.expect_left(1)?;
    target::wake()?;
    old.returns("150")?;
    new.returns("2")?;
    patch.completes()?;
    patch.expect_enabled(false)
}

/// The operator's word is for those who were inside at that time: who comes in later counts.
pub fn reversed_after_it_was_forced(_: &Guest) -> Result<()> {
    load()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    patch.set("force", "1")?;
    target::wake()?;
    sleeper.returns("1")?;
    let new = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    let old = Sleeper::enter("nap")?;
    patch.enable()?;
    stays_behind(&old, &patch, "target_nap")?;
    target::wake()?;
    new.returns("2")?;
    old.returns("1")?;
    patch.completes()?;
    patch.retire()
}

/// In neither direction is anybody looked for in what a function was forced over.
pub fn forced_function_when_reversed(_: &Guest) -> Result<()> {
    load()?;
    let forced_over = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_force_deep")?;
    patch.expect_left(0)?;
    let new = Sleeper::enter("deep")?;
    patch.disable()?;
    patch.expect_left(1)?;
    patch.enable()?;
    patch.expect_left(0)?;

    let replacing = Patch::load("patch_cumulative")?;
    replacing.expect_left(1)?;
    replacing.disable()?;
    replacing.expect_left(0)?;
    target::wake()?;
    forced_over.returns("1")?;
    new.returns("2")
}

/// The sleeper does not count any more. Nothing can be unloaded that it may be in.
pub fn forced_to_enable(_: &Guest) -> Result<()> {
    load()?;
    let below = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_everywhere")?;
    patch.expect_left(1)?;
    patch.set("force", "1")?;
    patch.expect_left(0)?;
    patch.expect_enabled(true)?;
    check::equal("forced", below.number("forced")?, 1)?;
    check::refused("force", patch.set("force", "1"), Errno::INVAL)?;
    patch.retire()?;
    below.disable()?;
    below.expect_left(1)?;
    target::wake()?;
    sleeper.returns("2")?;
    below.completes()?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)
}

/// The same for a patch that is switched off.
pub fn forced_to_disable(_: &Guest) -> Result<()> {
    load()?;
    let patch = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    patch.set("force", "1")?;
    patch.expect_left(0)?;
    patch.expect_enabled(false)?;
    check::equal("forced", patch.number("forced")?, 1)?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)?;
    target::wake()?;
    sleeper.returns("2")?;
    target::wake()?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)
}
