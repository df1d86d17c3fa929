// SPDX-License-Identifier: GPL-2.0
//! Modules that come and go while a patch that names them is on its way.

use anyhow::Result;

use super::load;
use crate::guest::patch::Patch;
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{journal, late, module, target, Guest};

/// A module of a patch that is on its way is patched as it comes, at any time.
pub fn module_comes_and_goes(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let before = Snapshot::take()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_everywhere")?;
    patch.expect_left(1)?;
    for _ in 0..3 {
        module::load_all(&["late"])?;
        // Its first instruction has met the patch.
        journal::expect(&["late init 2"])?;
        late::expect("value", "2")?;
        patch.expect_left(1)?;
        late::expect_state(&patch, "patched")?;
        module::remove_all(&["late"])?;
        late::expect_state(&patch, "pending")?;
        journal::expect(&["late exit"])?;
    }
    module::load_all(&["late"])?;
    target::wake()?;
    sleeper.leave()?;
    patch.completes()?;
    late::expect("value", "2")?;
    late::expect_state(&patch, "patched")?;
    patch.disable()?;
    late::expect("value", "1")?;
    module::remove_all(&["late"])?;
    patch.remove()?;
    before.expect_same()
}

/// The same for one that is being disabled: whoever comes calls the module's own function.
pub fn module_comes_on_the_way_out(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_late_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 1"])?;
    late::expect("value", "1")?;
    // And back: now it calls the patch's.
    patch.enable()?;
    late::expect("value", "2")?;
    patch.disable()?;
    late::expect("value", "1")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.completes()?;
    late::expect("value", "1")?;
    module::remove_all(&["late"])?;
    patch.remove()?;
    before.expect_same()
}

/// The function of the module that comes is that of a patch which is on its way to be superseded.
pub fn module_comes_to_one_that_replaces(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let old = Patch::load("patch_late_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_cumulative")?;
    patch.expect_left(1)?;
    module::load_all(&["late"])?;
    late::expect("value", "1")?;
    patch.disable()?;
    late::expect("value", "2")?;
    patch.completes()?;
    patch.enable()?;
    patch.expect_left(1)?;
    late::expect("value", "1")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.completes()?;
    late::expect("value", "1")?;
    old.remove()?;
    module::remove_all(&["late"])?;
    patch.retire()
}

/// Who is left behind calls the module's own function, although it has come later; all others the
/// patch's. The other way round when the patch is on its way out.
pub fn module_called_by_who_is_behind(_: &Guest) -> Result<()> {
    load()?;
    module::load_all(&["journal"])?;
    let before = Snapshot::take()?;
    let sleeper = Sleeper::enter("nap_then_late")?;
    let patch = Patch::load("patch_late_nap")?;
    patch.expect_left(1)?;
    module::load_all(&["late"])?;
    let other = Sleeper::enter("nap_then_late")?;
    target::wake()?;
    sleeper.returns("11")?;
    other.returns("22")?;
    patch.completes()?;

    module::remove_all(&["late"])?;
    let sleeper = Sleeper::enter("nap_then_late")?;
    patch.disable()?;
    patch.expect_left(1)?;
    module::load_all(&["late"])?;
    let other = Sleeper::enter("nap_then_late")?;
    target::wake()?;
    sleeper.returns("22")?;
    other.returns("11")?;
    patch.completes()?;
    module::remove_all(&["late"])?;
    patch.remove()?;
    before.expect_same()
}

/// As livepatch calls them: `pre_patch` when it comes, `post_patch` when the last task has
/// followed; and when it goes before that, `post_unpatch` only.
pub fn callbacks_of_a_module(_: &Guest) -> Result<()> {
    const PATCH: &str = "patch_callbacks";
    let entries = |callback: &str, objects: &[&str]| -> Vec<String> {
        let entry = |object: &&str| format!("{PATCH} {callback} {object}");
        objects.iter().map(entry).collect()
    };
    let expect = |parts: &[Vec<String>]| {
        let all = parts.concat();
        journal::expect(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    load()?;
    module::load_all(&["journal"])?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load(PATCH)?;
    patch.expect_left(1)?;
    expect(&[entries("pre_patch", &["vmlinux", "target"])])?;
    for _ in 0..2 {
        module::load_all(&["late"])?;
        expect(&[entries("pre_patch", &["late"]), vec!["late init 2".into()]])?;
        module::remove_all(&["late"])?;
        expect(&[vec!["late exit".into()], entries("post_unpatch", &["late"])])?;
    }
    // Turned round, it ends as the way back.
    module::load_all(&["late"])?;
    journal::clear()?;
    patch.disable()?;
    patch.completes()?;
    expect(&[entries("post_unpatch", &["vmlinux", "late", "target"])])?;
    late::expect("value", "1")?;
    patch.enable()?;
    patch.expect_left(1)?;
    expect(&[entries("pre_patch", &["vmlinux", "late", "target"])])?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    let last = format!("{PATCH} post_patch target");
    journal::wait_for(&last)?;
    expect(&[entries("post_patch", &["vmlinux", "late", "target"])])?;
    module::remove_all(&["late"])?;
    expect(&[
        vec!["late exit".into()],
        entries("pre_unpatch", &["late"]),
        entries("post_unpatch", &["late"]),
    ])?;
    patch.retire()
}
