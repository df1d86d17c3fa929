// SPDX-License-Identifier: GPL-2.0
//! Writes a negative time to a sysctl in seconds, and reads it back.

use std::fs;

use anyhow::{Context, Result};
use molt_patches::Verdict;

/// Nothing depends on it: the cache that it was about is long gone.
const SYSCTL: &str = "/proc/sys/net/ipv4/route/gc_timeout";

pub fn probe() -> Result<Verdict> {
    let before = read()?;
    write("-5")?;
    let after = read();
    write(&before)?;
    Ok(match after?.as_str() {
        "-5" => Verdict::Fixed("-5 seconds are shown as -5".into()),
        other => Verdict::Vulnerable(format!("-5 seconds are shown as {other}")),
    })
}

fn read() -> Result<String> {
    let text = fs::read_to_string(SYSCTL).context(SYSCTL)?;
    Ok(text.trim_end().to_owned())
}

fn write(value: &str) -> Result<()> {
    fs::write(SYSCTL, value).context(SYSCTL)
}
