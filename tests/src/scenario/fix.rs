// SPDX-License-Identifier: GPL-2.0
//! A fix of `patches/` in the kernel that it is for: its probe must see the bug in the
//! stock kernel, and must not see it while the patch is enabled.

use std::borrow::Cow;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{bail, ensure, Context, Result};

use super::{Ending, Scenario};
use crate::guest::patch::Patch;
use crate::guest::{module, Guest};

/// The scenario of the fix of that name.
pub fn scenario(name: &str) -> Scenario {
    Scenario {
        area: "fix",
        case: Cow::Owned(name.to_owned()),
        run: works,
        deadline: Duration::from_secs(180),
        expected_splats: &[],
        ending: Ending::PowerOff,
        model: None,
        known: None,
        only_stop_machine: None,
    }
}

/// Vulnerable; fixed when loaded; vulnerable, fixed, vulnerable when switched; and gone.
fn works(guest: &Guest) -> Result<()> {
    let name = guest.case();
    load_modules_of(name)?;
    expect(guest, name, "before", "vulnerable")?;
    module::load_all(&["molt"])?;
    expect(guest, name, "with the core alone", "vulnerable")?;
    let patch = Patch::load(name)?;
    expect(guest, name, "loaded", "fixed")?;
    patch.disable()?;
    expect(guest, name, "disabled", "vulnerable")?;
    patch.enable()?;
    expect(guest, name, "enabled again", "fixed")?;
    patch.retire()?;
    expect(guest, name, "unloaded", "vulnerable")?;
    module::remove_all(&["molt"])
}

/// The distribution's modules that the probe needs, in the order that the host found out.
fn load_modules_of(name: &str) -> Result<()> {
    let list = format!("/fixes/{name}");
    let list = fs::read_to_string(&list).context(list)?;
    module::load_all(&list.lines().collect::<Vec<_>>())
}

fn expect(guest: &Guest, name: &str, when: &str, expected: &str) -> Result<()> {
    let output = Command::new("/probe")
        .arg(name)
        .output()
        .context("cannot start the probe")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let said = said.trim_end();
    guest.note(format!("{when}: {said}"));
    let verdict = match output.status.code() {
        Some(0) => "fixed",
        Some(1) => "vulnerable",
        _ => bail!(
            "{when}: the probe could not tell ({}): {said}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
    };
    ensure!(
        said.starts_with(&format!("{name}: {verdict}: ")) && said.lines().count() == 1,
        "{when}: {said:?} does not say {verdict:?} in one line"
    );
    ensure!(verdict == expected, "{when}: {said}; expected: {expected}");
    Ok(())
}
