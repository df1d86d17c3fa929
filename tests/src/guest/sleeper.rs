// SPDX-License-Identifier: GPL-2.0
//! A process that is inside a function of `target.ko`.

use std::fs;
use std::process::Child;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::{check, helper, patch, target};

/// The function that does not sleep but runs.
const SPIN: &str = "spin";

/// A process that called a function and has not come back.
pub struct Sleeper {
    comm: String,
    child: Child,
}

impl Sleeper {
    /// Starts a process that calls the function behind `/proc/target/FILE`, and
    /// waits until it is inside.
    pub fn enter(file: &str) -> Result<Self> {
        let before = target::count("sleepers")?;
        let comm = format!("in_{file}").chars().take(15).collect::<String>();
        let child = helper::spawn(&comm, &["read", &target::path(file)]).context("spawn")?;
        check::eventually("the sleeper is inside", || {
            Ok(target::count("sleepers")? > before)
        })?;
        // A task on its way to sleep still runs: a scan cannot look at it.
        let stat = format!("/proc/{}/stat", child.id());
        check::eventually("the sleeper sleeps", || {
            Ok(file == SPIN || fs::read_to_string(&stat)?.contains(") D "))
        })?;
        Ok(Self { comm, child })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its name.
    pub fn comm(&self) -> &str {
        &self.comm
    }

    /// A patch that must be refused because this task is in `function`, which is named.
    pub fn refuses(&self, patch: &str, function: &str) -> Result<()> {
        patch::refuse(patch, "deadline_ms=300", Errno::BUSY, "busy")?;
        patch::expect_blocker(&patch::last_blockers(), self.pid(), self.comm(), function)
    }

    /// After [`target::wake`]: waits for it, and says what the function returned.
    pub fn leave(self) -> Result<String> {
        let output = self.child.wait_with_output()?;
        ensure!(output.status.success(), "{}: {}", self.comm, output.status);
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// After [`target::wake`]: waits for it; the function must have returned `value`.
    pub fn returns(self, value: &str) -> Result<()> {
        let what = format!("what {} called", self.comm);
        check::equal(&what, self.leave()?.as_str(), value)
    }

    /// Kills it inside the function.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}
