// SPDX-License-Identifier: GPL-2.0
//! `bench [full|quick]`: measures molt beside the others. `make bench` runs it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use molt_tests::bench::host::run;
use molt_tests::bench::plan::Plan;
use molt_tests::host::kernel::{self, Kernel};

fn main() -> ExitCode {
    let name = std::env::args().nth(1);
    match bench(name.as_deref().unwrap_or("full")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(name: &str) -> Result<()> {
    let plan = Plan::find(name).context("it is `bench full` or `bench quick`")?;
    let build = kernel::checkout().join("build");
    let kernel = Kernel::from_environment()?;
    let notes = run::run(plan, &kernel, &build.join("bench"), &build.join("tests"))?;
    for note in notes {
        println!("{note}");
    }
    Ok(())
}
