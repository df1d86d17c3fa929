// SPDX-License-Identifier: GPL-2.0
//! Comparisons that say what they saw.

use std::fmt::Debug;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Result};
use rustix::io::Errno;

/// `what` must be `expected`.
pub fn equal<T: PartialEq + Debug>(what: &str, seen: T, expected: T) -> Result<()> {
    ensure!(seen == expected, "{what}: {seen:?} instead of {expected:?}");
    Ok(())
}

/// `what` must contain `part`.
pub fn contains(what: &str, text: &str, part: &str) -> Result<()> {
    ensure!(text.contains(part), "{what}: {part:?} is not in {text:?}");
    Ok(())
}

/// `action` must have failed with `errno`.
pub fn refused<T>(action: &str, outcome: io::Result<T>, errno: Errno) -> Result<()> {
    match outcome {
        Ok(_) => bail!("{action}: succeeded; expected: {errno}"),
        Err(error) if error.raw_os_error() == Some(errno.raw_os_error()) => Ok(()),
        Err(error) => bail!("{action}: {error}; expected: {errno}"),
    }
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let began = Instant::now();
    while !condition()? {
        ensure!(
            began.elapsed() < PATIENCE,
            "did not come true in {PATIENCE:?}: {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
