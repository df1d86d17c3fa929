// SPDX-License-Identifier: GPL-2.0
//! The second CPU of the machine.

use std::fs;

use anyhow::{Context, Result};
use rustix::thread::{sched_setaffinity, CpuSet};

const SWITCH: &str = "/sys/devices/system/cpu/cpu1/online";

/// Switches it on or off.
pub fn switch(on: bool) -> Result<()> {
    let value = if on { "1" } else { "0" };
    fs::write(SWITCH, value).with_context(|| format!("{value} to {SWITCH}"))
}

/// Moves the calling thread to one CPU, and keeps it there.
pub fn stay_on(cpu: usize) -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(None, &cpus).with_context(|| format!("moving to CPU {cpu}"))
}
