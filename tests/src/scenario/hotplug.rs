// SPDX-License-Identifier: GPL-2.0
//! The second CPU goes and comes while patches change.

use std::fs;
use std::thread;

use anyhow::{anyhow, ensure, Context, Result};

use crate::guest::load::Load;
use crate::guest::patch::Patch;
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, cpu, helper, module, target, Guest};

scenarios! { hotplug:
    changed_while_a_cpu_is_off,
    goes_and_comes_while_enabled,
    goes_and_comes_while_toggled.seconds(120),
    goes_and_comes_while_unloaded.seconds(120),
    goes_and_comes_during_a_blocked_change,
}

/// What `target_value` returns on the second CPU.
fn expect_on_second(value: &'static str) -> Result<()> {
    let thread = thread::spawn(move || {
        cpu::stay_on(1)?;
        target::expect("value", value).context("on the second CPU")
    });
    thread.join().map_err(|_| anyhow!("panicked"))?
}

/// A CPU that was off during the change runs what the others run.
fn changed_while_a_cpu_is_off(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    cpu::switch(false)?;
    let patch = Patch::load("patch_value")?;
    target::expect("value", "2")?;
    cpu::switch(true)?;
    expect_on_second("2")?;
    cpu::switch(false)?;
    patch.disable()?;
    cpu::switch(true)?;
    expect_on_second("1")?;
    cpu::switch(false)?;
    patch.enable()?;
    patch.retire()?;
    cpu::switch(true)?;
    expect_on_second("1")
}

/// Nothing of a patch is lost with a CPU.
fn goes_and_comes_while_enabled(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    let before = Snapshot::take()?;
    for _ in 0..5 {
        cpu::switch(false)?;
        target::expect("value", "2")?;
        cpu::switch(true)?;
        expect_on_second("2")?;
    }
    before.expect_same()?;
    patch.retire()
}

/// Under load, and nobody meets a mix.
fn goes_and_comes_while_toggled(guest: &Guest) -> Result<()> {
    const ROUNDS: usize = 30;
    module::load_all(&["molt", "target"])?;
    target::set("gap", 2000)?;
    target::hammer(3)?;
    let patch = Patch::load("patch_pair")?;
    let load = goings();
    for round in 0..ROUNDS {
        patch.disable().with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x11")?;
        patch.enable().with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x22")?;
    }
    let gone = load.stop()?;
    target::hammer(0)?;
    let (old, new) = (target::count("olds")?, target::count("news")?);
    guest.note(format!(
        "off and on {gone} times; {old} old calls, {new} new calls"
    ));
    target::expect("mixes", "0")?;
    ensure!(gone >= 3, "the CPU went {gone} times only");
    ensure!(old > 0 && new > 0, "{old} old calls, {new} new calls");
    patch.retire()
}

/// Unloading stops the machine too, and the text goes.
fn goes_and_comes_while_unloaded(guest: &Guest) -> Result<()> {
    const ROUNDS: usize = 15;
    module::load_all(&["molt", "target"])?;
    target::set("gap", 2000)?;
    target::hammer(2)?;
    let load = goings();
    for round in 0..ROUNDS {
        let retired = Patch::load("patch_pair").and_then(Patch::retire);
        retired.with_context(|| format!("round {round}"))?;
    }
    let gone = load.stop()?;
    target::hammer(0)?;
    guest.note(format!("off and on {gone} times"));
    ensure!(gone >= 3, "the CPU went {gone} times only");
    target::expect("mixes", "0")?;
    module::remove_all(&["target", "molt"])
}

/// A change that waits for a task holds up no CPU, and ends as it should.
fn goes_and_comes_during_a_blocked_change(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn("insmod", &["insmod", "patch_nap", "deadline_ms=30000"])?;
    let state = Patch::loaded("patch_nap").folder().join("state");
    check::eventually("insmod waits", || Ok(state.exists()))?;
    for _ in 0..3 {
        cpu::switch(false)?;
        cpu::switch(true)?;
        let state = fs::read_to_string(&state)?;
        check::equal("state", state.trim(), "enabling")?;
    }
    cpu::switch(false)?;
    target::wake()?;
    sleeper.returns("1")?;
    let status = insmod.wait_with_output()?.status;
    ensure!(status.success(), "insmod: {status}");
    cpu::switch(true)?;
    Patch::loaded("patch_nap").retire()
}

/// The second CPU goes and comes without a pause.
fn goings() -> Load {
    Load::start(1, |_| {
        cpu::switch(false)?;
        cpu::switch(true)
    })
}
