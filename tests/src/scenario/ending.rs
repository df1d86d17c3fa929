// SPDX-License-Identifier: GPL-2.0
//! The machine is switched off, restarted, or goes on with another kernel, while a
//! patch is enabled and while a change is under way. The host sees how it ended.

use std::process::Child;

use anyhow::{bail, Context, Result};
use rustix::system::{reboot, RebootCommand};

use crate::guest::patch::Patch;
use crate::guest::sleeper::Sleeper;
use crate::guest::{check, helper, kexec, module, target, Guest};

scenarios! { ending:
    power_off_while_patched,
    power_off_during_a_change,
    restart_while_patched.restarts(),
    restart_during_a_change.restarts(),
    kexec_while_patched.seconds(180),
    kexec_during_a_change.seconds(180),
}

/// Patches are on: of a module, and of functions that whoever switches off goes
/// through.
fn patched() -> Result<()> {
    module::load_all(&["molt", "target"])?;
    for name in ["patch_value", "patch_fork", "patch_pair"] {
        Patch::load(name)?;
    }
    target::hammer(2)?;
    target::expect("value", "2")
}

/// The worker tries to make a change and cannot.
fn changing() -> Result<(Sleeper, Child)> {
    patched()?;
    let sleeper = Sleeper::enter("nap")?;
    let insmod = helper::spawn("insmod", &["insmod", "patch_nap", "deadline_ms=600000"])?;
    let patch = Patch::loaded("patch_nap");
    check::eventually("insmod waits", || Ok(patch.is_changing()))?;
    Ok((sleeper, insmod))
}

fn power_off_while_patched(_: &Guest) -> Result<()> {
    patched()
}

fn power_off_during_a_change(_: &Guest) -> Result<()> {
    changing().map(drop)
}

fn restart_while_patched(_: &Guest) -> Result<()> {
    patched()
}

fn restart_during_a_change(_: &Guest) -> Result<()> {
    changing().map(drop)
}

/// The other kernel reports that it runs; see `guest::init`.
fn go_on(guest: &Guest) -> Result<()> {
    kexec::load(guest.token())?;
    reboot(RebootCommand::Kexec).context("reboot")?;
    bail!("kexec came back")
}

fn kexec_while_patched(guest: &Guest) -> Result<()> {
    patched()?;
    go_on(guest)
}

fn kexec_during_a_change(guest: &Guest) -> Result<()> {
    let _waiting = changing()?;
    go_on(guest)
}
