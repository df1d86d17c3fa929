// SPDX-License-Identifier: GPL-2.0
//! `target.ko`: the functions that tests patch (`tests/modules/target`).

use std::fs;

use anyhow::{Context, Result};

use super::check;

/// The module's name, and the object of most patches.
pub const MODULE: &str = "target";

/// The path of the file that calls a function.
pub fn path(file: &str) -> String {
    format!("/proc/target/{file}")
}

/// Calls a function and says what it returned.
pub fn call(file: &str) -> Result<String> {
    let path = path(file);
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    Ok(text.trim_end().to_owned())
}

/// Calls a function, which must return this.
pub fn expect(file: &str, value: &str) -> Result<()> {
    check::equal(&format!("{file}()"), call(file)?.as_str(), value)
}

/// A counter.
pub fn count(file: &str) -> Result<u64> {
    Ok(call(file)?.parse()?)
}

/// Sets a parameter: `wake`, `hammer`, `gap`, `inside` or `doze`.
pub fn set(parameter: &str, value: u32) -> Result<()> {
    let path = format!("/sys/module/target/parameters/{parameter}");
    fs::write(&path, value.to_string()).with_context(|| path.clone())
}

/// Lets everybody out who sleeps or spins in a function.
pub fn wake() -> Result<()> {
    set("wake", 1)
}

/// Makes it so that this many kernel threads call the pair of functions.
pub fn hammer(threads: u32) -> Result<()> {
    set("hammer", threads)
}
