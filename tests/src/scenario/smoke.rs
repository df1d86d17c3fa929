// SPDX-License-Identifier: GPL-2.0
//! A patch works: it loads, takes effect, can be switched, shows itself, and goes.

use std::fs;
use std::path::Path;

use anyhow::{ensure, Result};
use rustix::io::Errno;

use crate::guest::patch::{Patch, MOLT};
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, target, Guest};

scenarios! { smoke:
    core_comes_and_goes,
    kernel_function,
    module_function,
    switched_off_and_on,
    two_functions,
    second_of_one_name,
    function_of_a_stopper,
    shows_itself.only_stop_machine("it expects the file `consistency` as it is at first"),
    shows_figures,
    leaves_no_trace,
}

/// The core alone.
fn core_comes_and_goes(_: &Guest) -> Result<()> {
    let before = Snapshot::take()?;
    for _ in 0..3 {
        module::load_all(&["molt"])?;
        ensure!(Path::new(MOLT).is_dir(), "{MOLT} is missing");
        check::equal(
            "last_error",
            fs::read_to_string(format!("{MOLT}/last_error"))?.trim(),
            "none",
        )?;
        check::equal(
            "blockers",
            fs::read_to_string(format!("{MOLT}/blockers"))?.trim(),
            "",
        )?;
        module::remove_all(&["molt"])?;
        ensure!(!Path::new(MOLT).exists(), "{MOLT} is still there");
    }
    before.expect_same()
}

/// A function of vmlinux.
fn kernel_function(_: &Guest) -> Result<()> {
    let original = fs::read_to_string("/proc/cmdline")?;
    module::load_all(&["molt"])?;
    let patch = Patch::load("patch_cmdline")?;
    check::equal(
        "/proc/cmdline",
        fs::read_to_string("/proc/cmdline")?.as_str(),
        "patched\n",
    )?;
    patch.disable()?;
    check::equal(
        "/proc/cmdline",
        &fs::read_to_string("/proc/cmdline")?,
        &original,
    )?;
    patch.remove()
}

/// A function of a module.
fn module_function(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    target::expect("value", "1")?;
    let patch = Patch::load("patch_value")?;
    target::expect("value", "2")?;
    patch.disable()?;
    target::expect("value", "1")?;
    patch.remove()?;
    target::expect("value", "1")
}

/// As often as one likes, without loading it again.
fn switched_off_and_on(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    for _ in 0..20 {
        patch.disable()?;
        target::expect("value", "1")?;
        patch.enable()?;
        target::expect("value", "2")?;
    }
    patch.retire()
}

/// One patch, two functions.
fn two_functions(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_both")?;
    target::expect("first", "2")?;
    target::expect("second", "2")?;
    patch.disable()?;
    target::expect("first", "1")?;
    target::expect("second", "1")?;
    patch.remove()
}

/// The position among functions of one name chooses the right one.
fn second_of_one_name(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = [target::call("twin_a")?, target::call("twin_b")?];
    let patch = Patch::load("patch_twin")?;
    let after = [target::call("twin_a")?, target::call("twin_b")?];
    let second = fs::read_to_string("/proc/kallsyms")?
        .lines()
        .filter(|line| line.contains(" target_twin\t"))
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .nth(1);
    // In the order of the symbol table, which is the linker's: twin_a.o, twin_b.o.
    check::equal("twins before", before, ["1".into(), "2".into()])?;
    check::equal("twins after", after, ["1".into(), "22".into()])?;
    let old = patch.attribute("target/target_twin,2/old_addr")?;
    ensure!(
        second.is_some_and(|second| old.contains(&second)),
        "old_addr {old}"
    );
    patch.retire()
}

/// A function that stopper threads run can be patched: nobody is in it now.
fn function_of_a_stopper(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_stopped")?;
    target::expect("stopped", "2")?;
    patch.disable()?;
    target::expect("stopped", "1")?;
    patch.remove()
}

/// The tree in sysfs is the one that docs/abi.md promises.
fn shows_itself(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_both")?;
    check::equal(
        "consistency",
        patch.attribute("consistency")?.as_str(),
        "stop_machine",
    )?;
    check::equal("transition", patch.attribute("transition")?.as_str(), "0")?;
    check::equal("replace", patch.attribute("replace")?.as_str(), "0")?;
    check::equal(
        "last_error",
        patch.attribute("last_error")?.as_str(),
        "none",
    )?;
    check::equal("blockers", patch.attribute("blockers")?.as_str(), "")?;
    patch.number("stack_order")?;
    let on = patch.attribute("state")?;
    check::equal(
        "target/patched",
        patch.attribute("target/patched")?.as_str(),
        "1",
    )?;
    patch.attribute("target/state")?;
    for function in ["target_first,1", "target_second,1"] {
        for address in ["old_addr", "new_addr"] {
            let file = format!("target/{function}/{address}");
            let text = patch.attribute(&file)?;
            let digits = text.strip_prefix("0x").unwrap_or(&text);
            let number = u64::from_str_radix(digits, 16).unwrap_or_default();
            ensure!(
                number > 0xffff_8000_0000_0000,
                "{file}: {text:?} is no address"
            );
            let mode = rustix::fs::stat(patch.folder().join(&file))?.st_mode & 0o777;
            check::equal(&format!("mode of {file}"), mode, 0o400)?;
        }
    }
    patch.disable()?;
    check::equal(
        "target/patched",
        patch.attribute("target/patched")?.as_str(),
        "0",
    )?;
    ensure!(
        patch.attribute("state")? != on,
        "`state` is {on} on and off"
    );
    patch.remove()
}

/// The figures of a transaction are those of this one.
fn shows_figures(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    for round in 0..3 {
        let figures = [
            patch.number("stop_ns")?,
            patch.number("attempts")?,
            patch.number("tasks_scanned")?,
            patch.number("tasks_verified")?,
        ];
        let [stop_ns, attempts, scanned, verified] = figures;
        guest.note(format!(
            "stop {stop_ns} ns, {attempts} attempts, {scanned} scanned, {verified} verified"
        ));
        let tasks = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .count() as u64;
        ensure!(
            stop_ns > 0 && stop_ns < 1_000_000_000,
            "stop_ns is {stop_ns}"
        );
        ensure!(attempts >= 1, "attempts is {attempts}");
        ensure!(scanned + 5 >= tasks, "{scanned} tasks scanned of {tasks}");
        ensure!(verified >= 1, "tasks_verified is {verified}");
        patch.write(if round % 2 == 0 { "0" } else { "1" })?;
    }
    patch.write("0")?;
    patch.remove()
}

/// After everything is unloaded, the kernel is as it was.
fn leaves_no_trace(_: &Guest) -> Result<()> {
    module::load_all(&["target"])?;
    let before = Snapshot::take()?;
    for _ in 0..2 {
        module::load_all(&["molt"])?;
        let loaded = [
            "patch_value",
            "patch_both",
            "patch_cmdline",
            "patch_value_again",
        ]
        .map(Patch::load);
        for patch in loaded {
            patch?.retire()?;
        }
        check::refused(
            "rmmod patch_value",
            module::remove("patch_value"),
            Errno::NOENT,
        )?;
        module::remove_all(&["molt"])?;
    }
    before.expect_same()
}
