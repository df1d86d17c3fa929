// SPDX-License-Identifier: GPL-2.0
//! Whether everybody finds a task that is asleep inside a patched function.

use std::fs;
use std::process::Child;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::functions::{self, Version};
use super::livepatch::Livepatch;
use super::redirect::Redirect;
use super::{molt, Bench};
use crate::guest::patch::{self, Patch};
use crate::guest::{check, helper};

const REST: &str = "/proc/bench_target/rest";
const COMM: &str = "planted";
const FUNCTION: &str = "bench_f001";

/// A process asleep in `bench_f001`, or in its replacement if that is what is called.
pub struct Planted(Child);

impl Planted {
    /// Starts it, and waits until it sleeps.
    pub fn new() -> Result<Self> {
        fs::write(REST, "1").context(REST)?;
        let child = helper::spawn(COMM, &["read", "/proc/bench_target/enter"])?;
        let stat = format!("/proc/{}/stat", child.id());
        check::eventually("the task sleeps inside", || {
            Ok(fs::read_to_string(REST)?.trim() == "1"
                && fs::read_to_string(&stat)?.contains(") D "))
        })?;
        Ok(Self(child))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Lets it go on.
    pub fn wake(&self) -> Result<()> {
        fs::write(REST, "0").context(REST)
    }

    /// Lets it go on, and waits for it; it must have been in this version.
    pub fn leave(self, version: Version) -> Result<()> {
        self.wake()?;
        let output = self.0.wait_with_output()?;
        let seen = String::from_utf8(output.stdout)?;
        let expected = (version as u32 + 1).to_string();
        check::equal(
            "what the task returned with",
            seen.trim(),
            expected.as_str(),
        )
    }
}

/// Patches of more than one function have the one that tasks can be asleep in.
pub fn check(bench: &Bench<'_>) -> Result<()> {
    for &functions in bench
        .plan
        .functions
        .iter()
        .filter(|&&functions| functions > 1)
    {
        in_the_original(functions).with_context(|| format!("{functions} functions"))?;
        bench.note(format!(
            "planted: found by the walk, molt and livepatch among {functions} functions"
        ));
        for redirect in [Redirect::Ftrace, Redirect::Direct] {
            in_the_replacement(functions, redirect)?;
            let word = redirect.word();
            bench.note(format!(
                "planted: found by molt in the replacement, {functions} functions, {word}"
            ));
        }
    }
    Ok(())
}

fn in_the_original(functions: u32) -> Result<()> {
    let planted = Planted::new()?;
    let pid = planted.pid();

    let line = fs::read_to_string(format!("/proc/bench_walk/walk_{functions}"))?;
    check::contains("the walk", line.trim_end(), &format!(" {pid} {FUNCTION}"))?;

    patch::refuse(
        &molt::name(functions),
        "deadline_ms=300",
        Errno::BUSY,
        "busy",
    )?;
    patch::expect_blocker(&patch::last_blockers(), pid, COMM, FUNCTION)?;

    let livepatch = Livepatch::load(functions)?;
    thread::sleep(Duration::from_secs(5));
    ensure!(
        livepatch.is_in_transition(),
        "the livepatch does not mind the task"
    );
    planted.leave(Version::Old)?;
    livepatch.settle()?;
    functions::expect(Version::Livepatch, functions)?;
    livepatch.disable()?;
    livepatch.settle()?;
    livepatch.remove()
}

fn in_the_replacement(functions: u32, redirect: Redirect) -> Result<()> {
    let name = molt::name(functions);
    let patch = Patch::load_with(&name, "deadline_ms=300")?;
    redirect.choose(&patch)?;
    let planted = Planted::new()?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    let blockers = patch.blockers()?;
    let (start, end) = (format!("{} {COMM} ", planted.pid()), format!(" [{name}]"));
    ensure!(
        blockers
            .iter()
            .any(|line| line.starts_with(&start) && line.ends_with(&end)),
        "no blocker {start}…{end} among {blockers:?}"
    );
    planted.leave(Version::Molt)?;
    patch.retire()
}
