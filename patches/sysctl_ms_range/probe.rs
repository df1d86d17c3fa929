// SPDX-License-Identifier: GPL-2.0
//! Writes 0 to a sysctl in milliseconds whose smallest value is 1.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use molt_patches::Verdict;

/// How often a neighbour that somebody manages is probed; there is none behind `lo`.
const SYSCTL: &str = "/proc/sys/net/ipv4/neigh/lo/interval_probe_time_ms";

pub fn probe() -> Result<Verdict> {
    let before = fs::read_to_string(SYSCTL).context(SYSCTL)?;
    match fs::write(SYSCTL, "0") {
        Ok(()) => {
            fs::write(SYSCTL, before).context(SYSCTL)?;
            Ok(Verdict::Vulnerable(
                "an interval of 0 ms is accepted".into(),
            ))
        }
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            // the check must not refuse what is in the range
            fs::write(SYSCTL, before).context(SYSCTL)?;
            Ok(Verdict::Fixed("an interval of 0 ms is refused".into()))
        }
        Err(error) => Err(error).context(SYSCTL),
    }
}
