// SPDX-License-Identifier: GPL-2.0
//! The kernel's own livepatch, of the same functions.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};

use super::functions::{self, Version};
use super::{since, Bench};
use crate::bench::plan::Place;
use crate::bench::sample::figure;
use crate::guest::module;

/// Between two looks at a file.
const PAUSE: Duration = Duration::from_millis(1);

/// In the guest's time.
const PATIENCE: Duration = Duration::from_secs(600);

/// A livepatch that is loaded.
pub struct Livepatch(String);

impl Livepatch {
    /// Loads the one of that many functions; its transition has begun then.
    pub fn load(functions: u32) -> Result<Self> {
        let livepatch = Self(format!("bench_livepatch_{functions}"));
        let name = livepatch.name();
        module::load(name).with_context(|| format!("insmod {name}"))?;
        Ok(livepatch)
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether the transition goes on. A livepatch that is off for good has no folder.
    pub fn is_in_transition(&self) -> bool {
        fs::read_to_string(self.file("transition")).is_ok_and(|value| value.trim() == "1")
    }

    /// Waits until every task has been moved.
    pub fn settle(&self) -> Result<()> {
        until("the transition ends", || Ok(!self.is_in_transition()))
    }

    /// Starts the way back.
    pub fn disable(&self) -> Result<()> {
        fs::write(self.file("enabled"), "0").context("disabling a livepatch")
    }

    /// Removes it, which can be done a moment after it is off.
    pub fn remove(self) -> Result<()> {
        until("the livepatch's folder goes", || {
            Ok(!Path::new(&self.file("enabled")).exists())
        })?;
        until("the livepatch goes", || {
            Ok(module::remove(self.name()).is_ok())
        })
    }

    fn file(&self, name: &str) -> String {
        format!("/sys/kernel/livepatch/{}/{name}", self.name())
    }
}

/// Waits until that is so.
pub fn until(what: &str, condition: impl Fn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !condition()? {
        ensure!(begun.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// One change and the way back.
pub fn measure(bench: &Bench<'_>, place: Place) -> Result<()> {
    let begun = Instant::now();
    let livepatch = Livepatch::load(place.functions)?;
    livepatch.settle()?;
    bench.sample(figure::LIVEPATCH_APPLY, place, since(begun));
    functions::expect(Version::Livepatch, place.functions)?;

    let begun = Instant::now();
    livepatch.disable()?;
    livepatch.settle()?;
    bench.sample(figure::LIVEPATCH_UNDO, place, since(begun));
    functions::expect(Version::Old, place.functions)?;
    bench.calmly(|| livepatch.remove())
}
