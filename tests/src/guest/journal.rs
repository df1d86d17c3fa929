// SPDX-License-Identifier: GPL-2.0
//! `journal.ko`, where `late.ko` and the callbacks of patches write down what they do.

use std::fs;

use anyhow::{Context, Result};

use super::check;

fn path(parameter: &str) -> String {
    format!("/sys/module/journal/parameters/{parameter}")
}

/// The entries, oldest first.
pub fn entries() -> Result<Vec<String>> {
    let text = fs::read_to_string(path("entries")).context("journal")?;
    Ok(text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect())
}

/// These must be all entries since the last look.
pub fn expect(wanted: &[&str]) -> Result<()> {
    let seen = entries()?;
    clear()?;
    let expected: Vec<String> = wanted.iter().map(|&entry| entry.into()).collect();
    check::equal("journal", seen, expected)
}

/// Forgets all entries.
pub fn clear() -> Result<()> {
    fs::write(path("entries"), "0").context("journal")
}

/// Waits for an entry.
pub fn wait_for(entry: &str) -> Result<()> {
    check::eventually(entry, || Ok(entries()?.iter().any(|seen| seen == entry)))
}

/// Lets the one who writes this entry be refused with ENODEV.
pub fn refuse(entry: &str) -> Result<()> {
    fs::write(path("refuse"), entry).context("journal")
}

/// Lets nobody be refused any more.
pub fn refuse_nobody() -> Result<()> {
    refuse("nobody")
}
