// SPDX-License-Identifier: GPL-2.0
//! What is measured.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{bail, Error, Result};

/// What the machine does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Load {
    /// Nothing.
    Idle,
    /// 100 processes, in pairs, send each other a byte through pipes, again and again.
    PingPong,
}

impl Display for Load {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle",
            Self::PingPong => "pingpong",
        })
    }
}

impl FromStr for Load {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "idle" => Self::Idle,
            "pingpong" => Self::PingPong,
            other => bail!("{other:?} is no load"),
        })
    }
}

/// Where a figure was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// How many threads slept.
    pub threads: u32,
    /// How many functions were patched.
    pub functions: u32,
    /// What else the machine did.
    pub load: Load,
}

/// A run of the benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Its name; that of its scenario is `bench::NAME`.
    pub name: &'static str,
    /// Where its results go, below `build/`.
    pub folder: &'static str,
    /// What is carried out beside it, in another machine.
    pub beside: Option<&'static Self>,
    /// Whether it fails when a ratio is wrong.
    pub is_gate: bool,
    /// Sleeping threads, ascending: they stay.
    pub threads: &'static [u32],
    /// Functions of a patch: one patch module each.
    pub functions: &'static [u32],
    /// What the machine does meanwhile.
    pub loads: &'static [Load],
    /// The most functions of a livepatch under load. It waits for many grace periods for
    /// each function, in which the load runs: ten take the host minutes, every time.
    pub livepatch_under_load: u32,
    /// How often each figure is measured.
    pub rounds: u32,
    /// Whether molt and the walk only are measured, and of them the windows.
    pub only_windows: bool,
    /// The guest's processors, as QEMU takes it.
    pub processors: &'static str,
    /// The guest's memory, as QEMU takes it.
    pub memory: &'static str,
    /// After which it is given up.
    pub patience: Duration,
}

impl Plan {
    /// Every contender at every place.
    pub const FULL: Self = Self {
        name: "full",
        folder: "bench",
        beside: Some(&Self::BUSY),
        is_gate: false,
        threads: &[100, 1_000, 10_000, 30_000],
        functions: &[1, 10, 100],
        loads: &[Load::Idle, Load::PingPong],
        livepatch_under_load: 1,
        rounds: 5,
        only_windows: false,
        processors: "1",
        memory: "5G",
        patience: Duration::from_secs(2 * 3600),
    };

    /// Enough to see that a ratio is wrong.
    pub const QUICK: Self = Self {
        name: "quick",
        folder: "bench-quick",
        beside: None,
        is_gate: true,
        threads: &[100, 2_000],
        functions: &[1, 10],
        loads: &[Load::Idle],
        livepatch_under_load: 0,
        rounds: 5,
        only_windows: false,
        processors: "1",
        memory: "1G",
        patience: Duration::from_secs(600),
    };

    /// Windows with two processors: on one, nobody runs between molt's last look and its
    /// window, which follow each other within a time slice.
    pub const BUSY: Self = Self {
        name: "busy",
        folder: "bench",
        beside: None,
        is_gate: false,
        threads: &[100, 1_000, 10_000, 30_000],
        functions: &[10],
        loads: &[Load::Idle, Load::PingPong],
        livepatch_under_load: 0,
        rounds: 5,
        only_windows: true,
        processors: "2",
        memory: "5G",
        patience: Duration::from_secs(2 * 3600),
    };

    /// Whether livepatch takes part.
    pub const fn has_livepatch(&self, place: Place) -> bool {
        match place.load {
            _ if self.only_windows => false,
            Load::Idle => true,
            Load::PingPong => place.functions <= self.livepatch_under_load,
        }
    }

    /// The one of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        [&Self::FULL, &Self::QUICK, &Self::BUSY]
            .into_iter()
            .find(|plan| plan.name == name)
    }
}
