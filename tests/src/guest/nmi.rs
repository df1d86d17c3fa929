// SPDX-License-Identifier: GPL-2.0
//! `nmi_source.ko`: a function that is called from NMI context.

use std::fs;

use anyhow::{Context, Result};

fn path(parameter: &str) -> String {
    format!("/sys/module/nmi_source/parameters/{parameter}")
}

/// Reads a number: `calls`, `strange`, `in_window`, `ask` or `value`.
pub fn read(parameter: &str) -> Result<i64> {
    let text = fs::read_to_string(path(parameter)).with_context(|| path(parameter))?;
    Ok(text.trim_end().parse()?)
}

/// Sets `in_window`, `storm` or `ask`.
pub fn set(parameter: &str, value: u32) -> Result<()> {
    fs::write(path(parameter), value.to_string()).with_context(|| path(parameter))
}
