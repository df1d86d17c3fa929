// SPDX-License-Identifier: GPL-2.0
//! Patches of several objects, and modules that come and go while patches are on.

use std::fs;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, journal, late, log, module, target, Guest};

scenarios! { object:
    kernel_and_modules_at_once,
    comes_later,
    never_comes,
    goes_and_comes_back_elsewhere,
    several_patches_wait,
    missing_function_vetoes,
    untraceable_function_vetoes,
    comes_while_the_patch_is_off,
    target_goes_under_its_patches,
}

fn expect_cmdline(patched: bool) -> Result<()> {
    let text = fs::read_to_string("/proc/cmdline")?;
    check::equal("/proc/cmdline is patched", text == "everywhere\n", patched)
}

/// Three objects, one change.
fn kernel_and_modules_at_once(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal", "late"])?;
    let patch = Patch::load("patch_everywhere")?;
    check::equal("attempts", patch.number("attempts")?, 1)?;
    let expect = |on: bool| -> Result<()> {
        let value = if on { "2" } else { "1" };
        expect_cmdline(on)?;
        target::expect("value", value)?;
        late::expect("value", value)?;
        for object in ["vmlinux", "target", "late"] {
            let state = patch.attribute(&format!("{object}/state"))?;
            check::equal(
                object,
                state.as_str(),
                if on { "patched" } else { "unpatched" },
            )?;
        }
        Ok(())
    };
    expect(true)?;
    patch.disable()?;
    expect(false)?;
    patch.enable()?;
    expect(true)?;
    patch.retire()?;
    late::expect("value", "1")
}

/// A module is patched before its first instruction, and nothing holds it.
fn comes_later(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let patch = Patch::load("patch_everywhere")?;
    expect_cmdline(true)?;
    target::expect("value", "2")?;
    late::expect_state(&patch, "pending")?;
    for _ in 0..3 {
        module::load_all(&["late"])?;
        journal::expect(&["late init 2"])?;
        late::expect("value", "2")?;
        late::expect_state(&patch, "patched")?;
        module::remove_all(&["late"])?;
        journal::expect(&["late exit"])?;
        late::expect_state(&patch, "pending")?;
    }
    module::load_all(&["late"])?;
    patch.disable()?;
    late::expect("value", "1")?;
    late::expect_state(&patch, "unpatched")?;
    patch.enable()?;
    late::expect("value", "2")?;
    patch.retire()?;
    late::expect("value", "1")
}

/// A patch of a module that does not exist is no error; the log and sysfs say so.
fn never_comes(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_no_module")?;
    let state = patch.attribute("no_such_module/state")?;
    check::equal("state", state.as_str(), "pending")?;
    check::contains("log", &log::read()?, "no_such_module")?;
    patch.disable()?;
    let state = patch.attribute("no_such_module/state")?;
    check::equal("state", state.as_str(), "unpatched")?;
    patch.enable()?;
    patch.retire()?;
    before.expect_same()
}

/// The old address is forgotten.
fn goes_and_comes_back_elsewhere(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal", "late"])?;
    let patch = Patch::load("patch_late")?;
    let address = || patch.attribute("late/late_value,1/old_addr");
    let first = address()?;
    module::remove_all(&["late"])?;
    check::equal("old_addr", address()?, format!("{:#018x}", 0))?;
    // Something else takes its place.
    module::load_all(&["nmi_source", "probe_owner"])?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 1", "late exit", "late init 2"])?;
    let second = address()?;
    guest.note(format!("{first}, then {second}"));
    ensure!(first != second, "it came back at the same address");
    check::equal("old_addr", second, late_address()?)?;
    patch.disable()?;
    late::expect("value", "1")?;
    patch.enable()?;
    late::expect("value", "2")?;
    patch.retire()
}

/// Where `/proc/kallsyms` has `late_value`.
fn late_address() -> Result<String> {
    let symbols = fs::read_to_string("/proc/kallsyms")?;
    let mut lines = symbols.lines();
    let line = lines.find(|line| line.contains(" late_value\t"));
    let address = line.context("no late_value")?.split(' ').next();
    Ok(format!("0x{}", address.unwrap_or_default()))
}

/// All of them apply, in their order.
fn several_patches_wait(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let first = Patch::load("patch_late")?;
    let second = Patch::load("patch_late_again")?;
    let third = Patch::load("patch_everywhere")?;
    second.disable()?;
    second.enable()?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 3"])?;
    late::expect("other", "3")?;
    for patch in [&first, &second, &third] {
        late::expect_state(patch, "patched")?;
    }
    second.disable()?;
    late::expect("value", "2")?;
    late::expect("other", "1")?;
    module::remove_all(&["late"])?;
    late::expect_state(&second, "unpatched")?;
    module::load_all(&["late"])?;
    journal::expect(&["late exit", "late init 2"])?;
    first.retire()?;
    third.retire()?;
    second.remove()?;
    late::expect("value", "1")
}

/// A module that cannot be patched is not loaded: no instruction of it runs.
fn vetoed(name: &str, errno: Errno, cause: &str, function: &str) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let good = Patch::load("patch_late")?;
    let bad = Patch::load(name)?;
    let before = Snapshot::take()?;
    for _ in 0..3 {
        module::refuse("late", "", errno)?;
        for last_error in [patch::last_error(), bad.attribute("last_error")?] {
            patch::check_cause(&last_error, cause)?;
            check::contains("last_error", &last_error, function)?;
        }
        let log = log::read()?;
        ensure!(
            log.lines()
                .any(|line| line.contains("late") && line.contains(function)),
            "the log does not say why the module was not loaded"
        );
        journal::expect(&[])?;
        before.expect_same()?;
        late::expect_state(&good, "pending")?;
        late::expect_state(&bad, "pending")?;
    }
    bad.disable()?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 2"])?;
    // Now it is there, the patch cannot be enabled.
    bad.refuse("1", errno, cause)?;
    bad.remove()?;
    good.retire()
}

fn missing_function_vetoes(_: &Guest) -> Result<()> {
    vetoed(
        "patch_late_missing",
        Errno::NOENT,
        "not_found",
        "late_no_such_function",
    )
}

fn untraceable_function_vetoes(_: &Guest) -> Result<()> {
    vetoed(
        "patch_late_notrace",
        Errno::OPNOTSUPP,
        "not_traceable",
        "late_notrace",
    )
}

/// A patch that is off does not concern a module that comes.
fn comes_while_the_patch_is_off(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let patch = Patch::load("patch_late")?;
    patch.disable()?;
    late::expect_state(&patch, "unpatched")?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 1"])?;
    late::expect_state(&patch, "unpatched")?;
    patch.enable()?;
    late::expect("value", "2")?;
    patch.retire()
}

/// A module with several patches on it goes, and those have nothing left to do.
fn target_goes_under_its_patches(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let names = ["patch_value", "patch_both", "patch_value_again"];
    let mut patches = Vec::new();
    for name in names {
        patches.push(Patch::load(name)?);
    }
    let before = Snapshot::take()?;
    module::remove_all(&["target"])?;
    for patch in &patches {
        patch.expect_enabled(true)?;
        let state = patch.attribute("target/state")?;
        check::equal("target/state", state.as_str(), "pending")?;
    }
    module::load_all(&["target"])?;
    for (function, value) in [("value", "3"), ("first", "2"), ("second", "2")] {
        target::expect(function, value)?;
    }
    patches[2].disable()?;
    target::expect("value", "2")?;
    patches[2].enable()?;
    before.expect_same_but(&["module ", "enabled function ", "old_addr"])?;
    module::remove_all(&["target"])?;
    for patch in patches {
        patch.retire()?;
    }
    module::remove_all(&["molt"])
}
