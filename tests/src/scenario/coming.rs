// SPDX-License-Identifier: GPL-2.0
//! Modules that come and go while a change is under way, and those whose init runs
//! meanwhile or fails.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::late::Lingering;
use crate::guest::load::Load;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, journal, late, module, target, Guest};

scenarios! { coming:
    goes_during_a_change,
    comes_during_a_blocked_enable.only_stop_machine("pertask::module_comes_and_goes"),
    comes_during_a_blocked_disable.only_stop_machine("pertask::module_comes_on_the_way_out"),
    comes_while_another_patch_is_blocked,
    init_fails_while_patched,
    init_runs_while_a_patch_loads,
    init_fails_while_a_patch_loads,
    init_takes_longer_than_the_deadline,
    exit_runs_while_a_patch_loads,
    comes_and_goes_while_toggled.seconds(120),
}

/// Starts to load `patch_everywhere` while a task is in a function of it.
fn blocked_enable() -> Result<(Sleeper, Child)> {
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn(
        "insmod",
        &["insmod", "patch_everywhere", "deadline_ms=60000"],
    )?;
    let patch = Patch::loaded("patch_everywhere");
    check::eventually("insmod waits", || Ok(patch.is_changing()))?;
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
    sleeper.returns("1")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    let patch = Patch::loaded("patch_everywhere");
    patch.expect_enabled(true)?;
    late::expect_state(&patch, "pending")?;
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
    target::expect("value", "1")?;
    target::wake()?;
    sleeper.returns("1")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    target::expect("value", "2")?;
    late::expect_state(&patch, "patched")?;
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
    sleeper.returns("2")?;
    writer.join().map_err(|_| anyhow!("panicked"))??;
    late::expect("value", "1")?;
    late::expect_state(&patch, "unpatched")?;
    patch.remove()
}

/// Nor does it matter whose change is blocked.
fn comes_while_another_patch_is_blocked(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    let patch = Patch::load("patch_late")?;
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn("insmod", &["insmod", "patch_nap", "deadline_ms=60000"])?;
    let blocked = Patch::loaded("patch_nap");
    check::eventually("insmod waits", || Ok(blocked.is_changing()))?;
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(200));
        at_once("insmod late", || module::load_all(&["late"]))?;
        journal::expect(&["late init 2"])?;
        late::expect_state(&patch, "patched")?;
        at_once("rmmod late", || module::remove_all(&["late"]))?;
        journal::expect(&["late exit"])?;
    }
    target::wake()?;
    sleeper.returns("1")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    blocked.retire()?;
    patch.retire()
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
        late::expect_state(&patch, "pending")?;
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
    let patch = insmod.join().map_err(|_| anyhow!("panicked"))??;
    late::expect("value", "2")?;
    late::expect_state(&patch, "patched")?;
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
        let patch = insmod.join().map_err(|_| anyhow!("panicked"))??;
        late::expect_state(&patch, "pending")?;
        late::fail()?;
        late::expect_state(&patch, "pending")?;
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

/// The code of a module that is being unloaded still runs, so no patch of it is on before
/// its exit has returned.
fn exit_runs_while_a_patch_loads(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal", "late"])?;
    late::linger(true)?;
    let rmmod = thread::spawn(|| module::remove_all(&["late"]));
    journal::wait_for("late exit")?;
    patch::refuse("patch_late", "deadline_ms=300", Errno::BUSY, "busy")?;
    check::contains("last_error", &patch::last_error(), "module late is being")?;
    let insmod = thread::spawn(|| Patch::load("patch_late"));
    thread::sleep(Duration::from_millis(500));
    ensure!(!insmod.is_finished(), "the patch did not wait");
    late::linger(false)?;
    rmmod.join().map_err(|_| anyhow!("panicked"))??;
    let patch = insmod.join().map_err(|_| anyhow!("panicked"))??;
    late::expect_state(&patch, "pending")?;
    module::load_all(&["late"])?;
    late::expect("value", "2")?;
    patch.retire()
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
