// SPDX-License-Identifier: GPL-2.0
//! How much memory the modules take: what `/sys/module/NAME/coresize` says of code and
//! data that stay, and by how much the kernel's free memory shrank.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::livepatch::Livepatch;
use super::molt;
use super::{Bench, ALONE};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::module;
use crate::guest::patch::Patch;

/// Core and patches, and a livepatch.
pub fn measure(bench: &Bench<'_>) -> Result<()> {
    for _ in 0..bench.plan.rounds {
        module::remove("molt")?;
        let before = free()?;
        module::load("molt").context("insmod molt")?;
        sample(bench, "core", 0, "molt", before)?;
        for &functions in bench.plan.functions {
            let before = free()?;
            let patch = Patch::load(&molt::name(functions))?;
            sample(bench, "patch", functions, &molt::name(functions), before)?;
            patch.retire()?;

            let before = free()?;
            let livepatch = Livepatch::load(functions)?;
            livepatch.settle()?;
            sample(bench, "livepatch", functions, livepatch.name(), before)?;
            livepatch.disable()?;
            livepatch.settle()?;
            livepatch.remove()?;
        }
    }
    Ok(())
}

fn sample(bench: &Bench<'_>, what: &str, functions: u32, module: &str, before: u64) -> Result<()> {
    let place = Place { functions, ..ALONE };
    let size = fs::read_to_string(format!("/sys/module/{module}/coresize"))?;
    let name = |kind: &str| format!("{}{what}_{kind}", figure::MEMORY);
    bench.sample(name("module"), place, size.trim().parse()?);
    bench.sample(name("pages"), place, before.saturating_sub(free()?));
    Ok(())
}

/// Bytes that are free, those included that are kept for the processor. What is freed
/// later has been by then.
fn free() -> Result<u64> {
    thread::sleep(Duration::from_secs(1));
    fs::read("/proc/sys/vm/stat_refresh").context("stat_refresh")?;
    let text = fs::read_to_string("/proc/zoneinfo")?;
    let pages: Option<u64> = text
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("pages free ")
                .or_else(|| line.strip_prefix("count:"))
        })
        .map(|number| number.trim().parse::<u64>().ok())
        .sum();
    Ok(pages.context("/proc/zoneinfo")? * 4096)
}
