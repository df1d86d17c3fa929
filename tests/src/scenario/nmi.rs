// SPDX-License-Identifier: GPL-2.0
//! NMIs are not held by a stop window: one that uses a function that is about to
//! change vetoes the attempt.

use std::time::{Duration, Instant};

use anyhow::{ensure, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, nmi, Guest};

scenarios! { nmi:
    in_the_window_vetoes_the_attempt,
    in_every_window_refuses,
    in_every_window_of_a_disable,
    of_another_function_does_not_matter,
    storm,
}

/// One NMI in the first windows: those attempts fail, a later one succeeds.
fn in_the_window_vetoes_the_attempt(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "nmi_source"])?;
    nmi::set("in_window", 1)?;
    let patch = Patch::load("patch_nmi")?;
    let attempts = patch.number("attempts")?;
    guest.note(format!("{attempts} attempts, {} NMIs", nmi::read("calls")?));
    check::equal("NMIs sent in windows", nmi::read("calls")?, 1)?;
    check::equal("attempts", attempts, 2)?;
    check::equal("nmi_value()", nmi::read("value")?, 2)?;
    nmi::set("in_window", 1)?;
    patch.disable()?;
    check::equal("attempts to disable", patch.number("attempts")?, 2)?;
    check::equal("nmi_value()", nmi::read("value")?, 1)?;
    check::equal("strange values", nmi::read("strange")?, 0)?;
    patch.remove()
}

/// NMIs in all windows until the deadline: refused.
fn in_every_window_refuses(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "nmi_source"])?;
    let before = Snapshot::take()?;
    nmi::set("in_window", 1_000_000)?;
    patch::refuse("patch_nmi", "deadline_ms=500", Errno::AGAIN, "nmi")?;
    nmi::set("in_window", 0)?;
    guest.note(format!("{} NMIs", nmi::read("calls")?));
    before.expect_same()?;
    check::equal("nmi_value()", nmi::read("value")?, 1)?;
    Patch::load("patch_nmi")?.retire()
}

/// The same for the way back: the patch stays on.
fn in_every_window_of_a_disable(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "nmi_source"])?;
    let patch = Patch::load_with("patch_nmi", "deadline_ms=500")?;
    let before = Snapshot::take()?;
    nmi::set("in_window", 1_000_000)?;
    patch.refuse("0", Errno::AGAIN, "nmi")?;
    nmi::set("in_window", 0)?;
    patch.expect_enabled(true)?;
    before.expect_same()?;
    check::equal("nmi_value()", nmi::read("value")?, 2)?;
    check::equal("strange values", nmi::read("strange")?, 0)?;
    patch.retire()
}

/// An NMI that uses no function of this change is no reason to abort it, also when
/// it uses one that is patched already.
fn of_another_function_does_not_matter(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "nmi_source"])?;
    nmi::set("in_window", 1)?;
    let patch = Patch::load("patch_value")?;
    check::equal("attempts", patch.number("attempts")?, 1)?;
    check::equal("NMIs", nmi::read("calls")?, 1)?;
    let other = Patch::load("patch_nmi")?;
    nmi::set("in_window", 1)?;
    patch.disable()?;
    check::equal("attempts", patch.number("attempts")?, 1)?;
    check::equal("NMIs", nmi::read("calls")?, 2)?;
    check::equal("strange values", nmi::read("strange")?, 0)?;
    other.retire()?;
    patch.remove()
}

/// NMIs all the time on all CPUs while the patch is switched, loaded and unloaded.
fn storm(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "nmi_source"])?;
    nmi::set("storm", 1)?;
    let began = Instant::now();
    let mut toggles = 0;
    while began.elapsed() < Duration::from_secs(6) {
        let patch = Patch::load("patch_nmi")?;
        for _ in 0..5 {
            patch.disable()?;
            patch.enable()?;
            toggles += 2;
        }
        patch.retire()?;
    }
    nmi::set("storm", 0)?;
    guest.note(format!("{} NMIs, {toggles} toggles", nmi::read("calls")?));
    ensure!(
        nmi::read("calls")? > 1000,
        "not much of a storm: {}",
        nmi::read("calls")?
    );
    check::equal("strange values", nmi::read("strange")?, 0)
}
