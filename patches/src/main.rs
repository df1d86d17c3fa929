// SPDX-License-Identifier: GPL-2.0
//! `probe NAME`: whether the running kernel has the bug that the patch of that name
//! fixes. The exit status says it: 0 fixed, 1 vulnerable, 2 it cannot be told; one
//! line says why. `probe` alone lists the names.

use std::panic;
use std::process::ExitCode;

use anyhow::{anyhow, Result};
use molt_patches::Verdict;

/// What shows one bug.
struct Probe {
    name: &'static str,
    run: fn() -> Result<Verdict>,
}

/// Written by `build.rs`: a module for each `*/probe.rs`.
mod probes {
    use super::Probe;

    include!(concat!(env!("OUT_DIR"), "/all.rs"));
}

const CANNOT_TELL: u8 = 2;

fn main() -> ExitCode {
    let Some(wanted) = std::env::args().nth(1) else {
        for probe in probes::ALL {
            println!("{}", probe.name);
        }
        return ExitCode::SUCCESS;
    };
    let outcome = match probes::ALL.iter().find(|probe| probe.name == wanted) {
        Some(probe) => panic::catch_unwind(probe.run)
            .unwrap_or_else(|_| Err(anyhow!("the probe itself failed"))),
        None => Err(anyhow!("there is no probe of this name")),
    };
    let (status, words) = match outcome {
        Ok(Verdict::Fixed(why)) => (0, format!("fixed: {why}")),
        Ok(Verdict::Vulnerable(why)) => (1, format!("vulnerable: {why}")),
        Err(error) => (CANNOT_TELL, format!("cannot tell: {error:#}")),
    };
    println!("{wanted}: {words}");
    ExitCode::from(status)
}
