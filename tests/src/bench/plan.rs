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
    /// Sleeping threads, ascending: they stay.
    pub threads: &'static [u32],
    /// Functions of a patch: one patch module each.
    pub functions: &'static [u32],
    /// What the machine does meanwhile.
    pub loads: &'static [Load],
    /// How often each figure is measured.
    pub rounds: u32,
    /// The guest's memory, as QEMU takes it.
    pub memory: &'static str,
    /// After which it is given up.
    pub patience: Duration,
}

impl Plan {
    /// All that the issue asks for.
    pub const FULL: Self = Self {
        name: "full",
        threads: &[100, 1_000, 10_000, 30_000],
        functions: &[1, 10, 100],
        loads: &[Load::Idle, Load::PingPong],
        rounds: 5,
        memory: "5G",
        patience: Duration::from_secs(3600),
    };

    /// Enough to see that a ratio is wrong.
    pub const QUICK: Self = Self {
        name: "quick",
        threads: &[100, 2_000],
        functions: &[1, 10],
        loads: &[Load::Idle],
        rounds: 5,
        memory: "1G",
        patience: Duration::from_secs(600),
    };

    /// The one of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        [&Self::FULL, &Self::QUICK]
            .into_iter()
            .find(|plan| plan.name == name)
    }
}
