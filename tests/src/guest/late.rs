// SPDX-License-Identifier: GPL-2.0
//! `late.ko`: a module that comes when patches of it are enabled already.

use std::fs;
use std::thread::{self, JoinHandle};

use anyhow::{anyhow, Context, Result};
use rustix::io::Errno;

use super::patch::Patch;
use super::{check, module};

/// The module's name.
pub const MODULE: &str = "late";

fn path(parameter: &str) -> String {
    format!("/sys/module/late/parameters/{parameter}")
}

/// Calls `late_value` or, as `other`, `late_other`, which must return this.
pub fn expect(function: &str, value: &str) -> Result<()> {
    let seen = fs::read_to_string(path(function)).with_context(|| path(function))?;
    check::equal(&format!("late {function}"), seen.trim_end(), value)
}

/// What its object of a patch must say: `pending`, `patched` or `unpatched`.
pub fn expect_state(patch: &Patch, state: &str) -> Result<()> {
    let patched = if state == "patched" { "1" } else { "0" };
    check::equal("late/state", patch.attribute("late/state")?.as_str(), state)?;
    let seen = patch.attribute("late/patched")?;
    check::equal("late/patched", seen.as_str(), patched)
}

/// The module while its init does not end.
pub struct Lingering {
    insmod: JoinHandle<std::io::Result<()>>,
}

impl Lingering {
    /// Loads it, and waits until its init is inside.
    pub fn start(parameters: &'static str) -> Result<Self> {
        let parameters = format!("linger=1 {parameters}");
        let insmod = thread::spawn(move || module::load_with(MODULE, &parameters));
        check::eventually("the init runs", || {
            Ok(fs::read_to_string("/proc/modules")?
                .lines()
                .any(|line| line.starts_with("late ") && line.contains(" Loading ")))
        })?;
        Ok(Self { insmod })
    }

    /// Lets the init end.
    pub fn release(&self) -> Result<()> {
        linger(false)
    }

    /// What `insmod` said.
    pub fn end(self) -> Result<std::io::Result<()>> {
        self.insmod.join().map_err(|_| anyhow!("panicked"))
    }
}

/// Lets its exit wait, or end.
pub fn linger(on: bool) -> Result<()> {
    fs::write(path("linger"), if on { "1" } else { "0" }).with_context(|| path("linger"))
}

/// Its init fails, and nothing of it stays.
pub fn fail() -> Result<()> {
    module::refuse(MODULE, "fail=1", Errno::NXIO)
}
