// SPDX-License-Identifier: GPL-2.0
//! `bench_target.ko`: the 100 functions, and which version of each runs.

use std::fs;

use anyhow::{Context, Result};

use crate::guest::check;

/// How many there are.
pub const ALL: u32 = 100;

/// Who makes a function return `self as u32` and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Nobody: it is the original.
    Old = 1000,
    /// A patch of molt.
    Molt = 2000,
    /// A livepatch.
    Livepatch = 3000,
    /// The handler that works as kpatch's did.
    Kpatch = 4000,
    /// A jump at the entry.
    Jump = 5000,
}

/// Fails unless the first `functions` functions are those of `version`, and all others the
/// originals.
pub fn expect(version: Version, functions: u32) -> Result<()> {
    let values = fs::read_to_string("/proc/bench_target/values")?;
    let values: Vec<u32> = values
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    check::equal("functions", values.len(), ALL as usize)?;
    for (number, value) in (0..ALL).zip(values) {
        let version = if number < functions {
            version
        } else {
            Version::Old
        };
        check::equal(
            &format!("bench_f{number:03}()"),
            value,
            version as u32 + number,
        )?;
    }
    Ok(())
}

/// A file of `/proc` that holds `N` numbers, or begins with them.
pub fn numbers<const N: usize>(path: &str) -> Result<[u64; N]> {
    let text = fs::read_to_string(format!("/proc/{path}")).with_context(|| path.to_owned())?;
    let mut numbers = [0; N];
    let mut words = text.split_whitespace();
    for number in &mut numbers {
        let word = words.next().with_context(|| format!("{path}: {text:?}"))?;
        *number = word.parse().with_context(|| format!("{path}: {text:?}"))?;
    }
    Ok(numbers)
}
