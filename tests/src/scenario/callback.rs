// SPDX-License-Identifier: GPL-2.0
//! Callbacks: which are called, in which order, when modules come and go and when a
//! change is refused. All of them write in the journal, which sleeps: one that ran
//! inside the stop window or with a lock held would be found out.

use std::thread;
use std::time::Duration;

use anyhow::{ensure, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, journal, late, module, target, Guest};

scenarios! { callback:
    target_before_patch,
    target_comes,
    target_goes,
    target_comes_and_goes,
    target_never_comes,
    target_fails_to_come,
    pre_patch_refuses,
    pre_patch_of_a_later_object_refuses,
    pre_patch_refuses_a_module,
    several_targets,
    busy_target.only_stop_machine("pertask::callbacks_of_a_module"),
    refused_enable.only_stop_machine("pertask::callbacks"),
    refused_disable.only_stop_machine("pertask::callbacks_of_a_reversed_change"),
    two_patches,
    replaced_patch,
    switched_off_and_on,
}

const PATCH: &str = "patch_callbacks";

/// Lines of the journal of one patch.
fn lines(patch: &str, what: &[(&str, &str)]) -> Vec<String> {
    let line = |(callback, object): &(&str, &str)| format!("{patch} {callback} {object}");
    what.iter().map(line).collect()
}

/// The journal must have these callbacks of `patch_callbacks` and nothing else.
fn expect(what: &[(&str, &str)]) -> Result<()> {
    let lines = lines(PATCH, what);
    journal::expect(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The same for another patch.
fn expect_of(patch: &str, what: &[(&str, &str)]) -> Result<()> {
    let lines = lines(patch, what);
    journal::expect(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The callbacks of these objects when a patch was switched on.
fn expect_patched(patch: &str, objects: &[&str]) -> Result<()> {
    expect_pair(patch, objects, "pre_patch", "post_patch")
}

/// The same when it was switched off.
fn expect_unpatched(patch: &str, objects: &[&str]) -> Result<()> {
    expect_pair(patch, objects, "pre_unpatch", "post_unpatch")
}

/// One callback of all objects, then another of all.
fn expect_pair(patch: &str, objects: &[&str], before: &str, after: &str) -> Result<()> {
    let mut what: Vec<_> = objects.iter().map(|object| (before, *object)).collect();
    what.extend(objects.iter().map(|object| (after, *object)));
    expect_of(patch, &what)
}

/// Loads these modules; their journal is not looked at.
fn load(modules: &[&str]) -> Result<()> {
    module::load_all(&["molt", "journal"])?;
    module::load_all(modules)?;
    journal::clear()
}

/// `late.ko` comes and goes while `patch_callbacks` is enabled: its callbacks, around its own init
/// and exit.
fn late_comes_and_goes() -> Result<()> {
    module::load_all(&["late"])?;
    module::remove_all(&["late"])?;
    journal::expect(&[
        "patch_callbacks pre_patch late",
        "patch_callbacks post_patch late",
        "late init 2",
        "late exit",
        "patch_callbacks pre_unpatch late",
        "patch_callbacks post_unpatch late",
    ])
}

/// Both callbacks before and after the change, object by object.
fn target_before_patch(_: &Guest) -> Result<()> {
    load(&["late"])?;
    let patch = Patch::load(PATCH)?;
    expect_patched(PATCH, &["vmlinux", "late"])?;
    late::expect("value", "2")?;
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux", "late"])?;
    patch.remove()?;
    module::remove_all(&["late"])?;
    journal::expect(&["late exit"])
}

/// Those of a module that comes later run when it comes, before its init.
fn target_comes(_: &Guest) -> Result<()> {
    load(&[])?;
    let patch = Patch::load(PATCH)?;
    expect_patched(PATCH, &["vmlinux"])?;
    module::load_all(&["late"])?;
    journal::expect(&[
        "patch_callbacks pre_patch late",
        "patch_callbacks post_patch late",
        "late init 2",
    ])?;
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux", "late"])?;
    patch.remove()?;
    module::remove_all(&["late"])?;
    journal::expect(&["late exit"])
}

/// Those of a module that goes run when it has gone, and not again.
fn target_goes(_: &Guest) -> Result<()> {
    load(&["late"])?;
    let patch = Patch::load(PATCH)?;
    journal::clear()?;
    module::remove_all(&["late"])?;
    journal::expect(&[
        "late exit",
        "patch_callbacks pre_unpatch late",
        "patch_callbacks post_unpatch late",
    ])?;
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux"])?;
    patch.remove()
}

/// Again and again.
fn target_comes_and_goes(_: &Guest) -> Result<()> {
    load(&[])?;
    let patch = Patch::load(PATCH)?;
    journal::clear()?;
    for _ in 0..3 {
        late_comes_and_goes()?;
    }
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux"])?;
    patch.remove()
}

/// Those of a module that never comes never run.
fn target_never_comes(_: &Guest) -> Result<()> {
    load(&[])?;
    let patch = Patch::load(PATCH)?;
    expect_patched(PATCH, &["vmlinux"])?;
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux"])?;
    patch.remove()
}

/// A module whose init fails is one that goes.
fn target_fails_to_come(_: &Guest) -> Result<()> {
    load(&[])?;
    let patch = Patch::load(PATCH)?;
    journal::clear()?;
    late::fail()?;
    journal::expect(&[
        "patch_callbacks pre_patch late",
        "patch_callbacks post_patch late",
        "late init 2",
        "patch_callbacks pre_unpatch late",
        "patch_callbacks post_unpatch late",
    ])?;
    patch.retire()
}

/// The patch is not loaded, with the callback's errno.
fn pre_patch_refuses(_: &Guest) -> Result<()> {
    load(&["late"])?;
    let before = Snapshot::take()?;
    journal::refuse("patch_callbacks pre_patch vmlinux")?;
    patch::refuse(PATCH, "", Errno::NODEV, "callback")?;
    expect(&[("pre_patch", "vmlinux")])?;
    before.expect_same()?;
    late::expect("value", "1")?;
    journal::refuse_nobody()?;
    Patch::load(PATCH)?.retire()
}

/// Those that had agreed are told.
fn pre_patch_of_a_later_object_refuses(_: &Guest) -> Result<()> {
    load(&["late", "target"])?;
    let before = Snapshot::take()?;
    journal::refuse("patch_callbacks pre_patch target")?;
    patch::refuse(PATCH, "", Errno::NODEV, "callback")?;
    expect(&[
        ("pre_patch", "vmlinux"),
        ("pre_patch", "late"),
        ("pre_patch", "target"),
        ("post_unpatch", "late"),
        ("post_unpatch", "vmlinux"),
    ])?;
    before.expect_same()?;
    late::expect("value", "1")
}

/// The module is not loaded, with the callback's errno, and the patch stays on.
fn pre_patch_refuses_a_module(_: &Guest) -> Result<()> {
    load(&[])?;
    let patch = Patch::load(PATCH)?;
    journal::clear()?;
    let before = Snapshot::take()?;
    journal::refuse("patch_callbacks pre_patch late")?;
    module::refuse("late", "", Errno::NODEV)?;
    expect(&[("pre_patch", "late")])?;
    before.expect_same()?;
    check::contains("last_error", &patch::last_error(), "callback: ")?;
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux"])?;
    journal::refuse_nobody()?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 1"])?;
    patch.remove()
}

/// One is there before the patch, one comes and goes.
fn several_targets(_: &Guest) -> Result<()> {
    load(&["target"])?;
    let patch = Patch::load(PATCH)?;
    expect_patched(PATCH, &["vmlinux", "target"])?;
    late_comes_and_goes()?;
    patch.disable()?;
    expect_unpatched(PATCH, &["vmlinux", "target"])?;
    patch.remove()
}

/// A module comes and goes while a task in another target blocks the patch, which is
/// then given up: whoever was asked is told, and nobody else.
fn busy_target(_: &Guest) -> Result<()> {
    load(&["target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    let mut insmod = helper::spawn("insmod", &["insmod", PATCH, "deadline_ms=60000"])?;
    journal::wait_for("patch_callbacks pre_patch target")?;
    thread::sleep(Duration::from_millis(200));
    expect(&[("pre_patch", "vmlinux"), ("pre_patch", "target")])?;
    module::load_all(&["late"])?;
    journal::wait_for("patch_callbacks pre_patch late")?;
    module::remove_all(&["late"])?;
    journal::expect(&[
        "late init 1",
        "patch_callbacks pre_patch late",
        "late exit",
        "patch_callbacks post_unpatch late",
    ])?;
    insmod.kill()?;
    insmod.wait()?;
    check::eventually("the module is gone", || Ok(!module::is_loaded(PATCH)?))?;
    expect(&[("post_unpatch", "target"), ("post_unpatch", "vmlinux")])?;
    before.expect_same()?;
    target::wake()?;
    sleeper.returns("1")
}

/// `pre_patch` agreed, a task did not leave in time.
fn refused_enable(_: &Guest) -> Result<()> {
    load(&["target"])?;
    let sleeper = Sleeper::enter("nap")?;
    sleeper.refuses(PATCH, "target_nap")?;
    expect(&[
        ("pre_patch", "vmlinux"),
        ("pre_patch", "target"),
        ("post_unpatch", "target"),
        ("post_unpatch", "vmlinux"),
    ])?;
    target::wake()?;
    sleeper.leave()?;
    Ok(())
}

/// A patch that could not be taken off is on again, and its callbacks are told so.
fn refused_disable(_: &Guest) -> Result<()> {
    const NAP: &str = "patch_callbacks_nap";
    load(&["target"])?;
    let patch = Patch::load_with(NAP, "deadline_ms=300")?;
    let sleeper = Sleeper::enter("nap")?;
    expect_patched(NAP, &["target"])?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    expect_of(NAP, &[("pre_unpatch", "target"), ("post_patch", "target")])?;
    patch.expect_enabled(true)?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.disable()?;
    expect_unpatched(NAP, &["target"])?;
    patch.remove()
}

/// Each has its own.
fn two_patches(_: &Guest) -> Result<()> {
    const MORE: &str = "patch_callbacks_more";
    load(&[])?;
    let first = Patch::load(PATCH)?;
    expect_patched(PATCH, &["vmlinux"])?;
    let second = Patch::load(MORE)?;
    expect_patched(MORE, &["vmlinux"])?;
    second.disable()?;
    expect_unpatched(MORE, &["vmlinux"])?;
    first.disable()?;
    expect_unpatched(PATCH, &["vmlinux"])?;
    second.remove()?;
    first.remove()
}

/// Of a patch that is replaced none are called: the one that replaces it knows best.
fn replaced_patch(_: &Guest) -> Result<()> {
    const REPLACE: &str = "patch_callbacks_replace";
    load(&["late"])?;
    let old = Patch::load(PATCH)?;
    journal::clear()?;
    let new = Patch::load(REPLACE)?;
    expect_patched(REPLACE, &["vmlinux"])?;
    late::expect("value", "1")?;
    module::remove_all(&["late"])?;
    journal::expect(&["late exit"])?;
    old.remove()?;
    journal::expect(&[])?;
    new.disable()?;
    expect_unpatched(REPLACE, &["vmlinux"])?;
    new.remove()
}

/// Every time, also without a change of modules; asking for what is calls nobody.
fn switched_off_and_on(_: &Guest) -> Result<()> {
    load(&["target"])?;
    let patch = Patch::load(PATCH)?;
    for _ in 0..3 {
        journal::clear()?;
        patch.enable()?;
        journal::expect(&[])?;
        patch.disable()?;
        expect_unpatched(PATCH, &["vmlinux", "target"])?;
        patch.disable()?;
        journal::expect(&[])?;
        patch.enable()?;
        expect_patched(PATCH, &["vmlinux", "target"])?;
    }
    ensure!(journal::entries()?.is_empty(), "somebody wrote meanwhile");
    patch.retire()
}
