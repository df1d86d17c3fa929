// SPDX-License-Identifier: GPL-2.0
//! Patches of several objects, and modules that come and go while patches are on.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::late::Lingering;
use crate::guest::load::Load;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, journal, late, log, module, target, Guest};

scenarios! { object:
    kernel_and_modules_at_once,
    comes_later,
    never_comes,
    goes_and_comes_back_elsewhere,
    several_patches_wait,
    missing_function_vetoes,
    untraceable_function_vetoes,
    comes_while_the_patch_is_off,
    goes_during_a_change,
    comes_during_a_blocked_enable,
    comes_during_a_blocked_disable,
    init_fails_while_patched,
    init_runs_while_a_patch_loads,
    init_fails_while_a_patch_loads,
    init_takes_longer_than_the_deadline,
    target_goes_under_its_patches,
    comes_and_goes_while_toggled.seconds(120),
}

/// What the object `late` of a patch says of itself.
fn expect_late(patch: &Patch, state: &str) -> Result<()> {
    let patched = if state == "patched" { "1" } else { "0" };
    check::equal("late/state", patch.attribute("late/state")?.as_str(), state)?;
    check::equal(
        "late/patched",
        patch.attribute("late/patched")?.as_str(),
        patched,
    )
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
    expect_late(&patch, "pending")?;
    for _ in 0..3 {
        module::load_all(&["late"])?;
        journal::expect(&["late init 2"])?;
        late::expect("value", "2")?;
        expect_late(&patch, "patched")?;
        module::remove_all(&["late"])?;
        journal::expect(&["late exit"])?;
        expect_late(&patch, "pending")?;
    }
    module::load_all(&["late"])?;
    patch.disable()?;
    late::expect("value", "1")?;
    expect_late(&patch, "unpatched")?;
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
        expect_late(patch, "patched")?;
    }
    second.disable()?;
    late::expect("value", "2")?;
    late::expect("other", "1")?;
    module::remove_all(&["late"])?;
    expect_late(&second, "unpatched")?;
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
        expect_late(&good, "pending")?;
        expect_late(&bad, "pending")?;
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
    expect_late(&patch, "unpatched")?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 1"])?;
    expect_late(&patch, "unpatched")?;
    patch.enable()?;
    late::expect("value", "2")?;
    patch.retire()
}

/// Starts to load `patch_everywhere` while a task is in a function of it.
fn blocked_enable() -> Result<(Sleeper, std::process::Child)> {
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn(
        "insmod",
        &["insmod", "patch_everywhere", "deadline_ms=60000"],
    )?;
    let patch = Patch::loaded("patch_everywhere");
    check::eventually("insmod waits", || {
        Ok(patch.folder().exists() && patch.attribute("transition")? == "1")
    })?;
    thread::sleep(Duration::from_millis(300));
    Ok((sleeper, insmod))
}

/// How long loading or unloading a module may take while a change is blocked.
fn at_once<T>(what: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let result = action()?;
    let took = began.elapsed();
    ensure!(took < Duration::from_secs(5), "{what} took {took:?}");
    Ok(result)
}

/// The change goes on without the module.
fn goes_during_a_change(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal", "late"])?;
    let (sleeper, insmod) = blocked_enable()?;
    at_once("rmmod late", || module::remove_all(&["late"]))?;
    target::wake()?;
    check::equal("old target_nap()", sleeper.leave()?.as_str(), "1")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    let patch = Patch::loaded("patch_everywhere");
    patch.expect_enabled(true)?;
    expect_late(&patch, "pending")?;
    target::expect("value", "2")?;
    module::load_all(&["late"])?;
    journal::expect(&["late init 1", "late exit", "late init 2"])?;
    patch.retire()
}

/// The module does not wait for the change, and the change then has it.
fn comes_during_a_blocked_enable(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let (sleeper, insmod) = blocked_enable()?;
    at_once("insmod late", || module::load_all(&["late"]))?;
    let patch = Patch::loaded("patch_everywhere");
    check::equal("transition", patch.attribute("transition")?.as_str(), "1")?;
    late::expect("value", "1")?;
    expect_cmdline(false)?;
    target::wake()?;
    check::equal("old target_nap()", sleeper.leave()?.as_str(), "1")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    expect_cmdline(true)?;
    expect_late(&patch, "patched")?;
    late::expect("value", "2")?;
    patch.retire()
}

/// While a patch cannot be taken off it is still on, also a module that comes. Then
/// it is off everywhere.
fn comes_during_a_blocked_disable(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let patch = Patch::load_with("patch_late_nap", "deadline_ms=60000")?;
    let sleeper = Sleeper::enter("nap")?;
    let writer = {
        let patch = patch.clone();
        thread::spawn(move || patch.disable())
    };
    check::eventually("the writer waits", || {
        Ok(patch.attribute("transition")? == "1")
    })?;
    at_once("insmod late", || module::load_all(&["late"]))?;
    journal::expect(&["late init 2"])?;
    late::expect("value", "2")?;
    at_once("rmmod late", || module::remove_all(&["late"]))?;
    at_once("insmod late again", || module::load_all(&["late"]))?;
    journal::expect(&["late exit", "late init 2"])?;
    target::wake()?;
    check::equal("new target_nap()", sleeper.leave()?.as_str(), "2")?;
    writer.join().map_err(|_| anyhow::anyhow!("panicked"))??;
    late::expect("value", "1")?;
    expect_late(&patch, "unpatched")?;
    patch.remove()
}

/// A module whose init fails after it was patched leaves nothing behind.
fn init_fails_while_patched(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let patch = Patch::load("patch_late")?;
    let before = Snapshot::take()?;
    for _ in 0..3 {
        late::fail()?;
        journal::expect(&["late init 2"])?;
        before.expect_same()?;
        expect_late(&patch, "pending")?;
    }
    module::load_all(&["late"])?;
    late::expect("value", "2")?;
    patch.retire()
}

/// A module that is being loaded can be neither patched nor left out: the patch waits
/// for the end of its init.
fn init_runs_while_a_patch_loads(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let module = Lingering::start("")?;
    let insmod = thread::spawn(|| Patch::load("patch_late"));
    thread::sleep(Duration::from_millis(500));
    ensure!(!insmod.is_finished(), "the patch did not wait");
    module.release()?;
    module.end()?.context("insmod late")?;
    let patch = insmod.join().map_err(|_| anyhow::anyhow!("panicked"))??;
    late::expect("value", "2")?;
    expect_late(&patch, "patched")?;
    patch.retire()
}

/// The same when the init fails then.
fn init_fails_while_a_patch_loads(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    for _ in 0..5 {
        let module = Lingering::start("fail=1")?;
        let insmod = thread::spawn(|| Patch::load("patch_late"));
        thread::sleep(Duration::from_millis(200));
        module.release()?;
        check::refused("insmod late", module.end()?, Errno::NXIO)?;
        let patch = insmod.join().map_err(|_| anyhow::anyhow!("panicked"))??;
        expect_late(&patch, "pending")?;
        late::fail()?;
        expect_late(&patch, "pending")?;
        patch.retire()?;
    }
    Ok(())
}

/// Longer than the patch has patience: refused.
fn init_takes_longer_than_the_deadline(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let module = Lingering::start("")?;
    patch::refuse("patch_late", "deadline_ms=300", Errno::BUSY, "busy")?;
    check::contains("last_error", &patch::last_error(), "late")?;
    Patch::load("patch_value")
        .context("of another module")?
        .retire()?;
    module.release()?;
    module.end()?.context("insmod late")?;
    Patch::load("patch_late")?.retire()
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

/// A module comes and goes all the time while patches of it are loaded, toggled and
/// unloaded.
fn comes_and_goes_while_toggled(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let before = Snapshot::take()?;
    let load = Load::start(1, |_| {
        module::load_all(&["late"])?;
        module::remove_all(&["late"])
    });
    let mut patches = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let first = Patch::load("patch_late")?;
        let second = Patch::load("patch_late_again")?;
        for _ in 0..4 {
            first.disable()?;
            first.enable()?;
        }
        first.retire()?;
        second.retire()?;
        patches += 2;
    }
    let loads = load.stop()?;
    guest.note(format!("{loads} times; {patches} patches"));
    ensure!(
        loads > 10 && patches > 4,
        "{loads} loads, {patches} patches"
    );
    before.expect_same()
}
