// SPDX-License-Identifier: GPL-2.0
//! `bench [full|quick]`: measures molt beside the others. `make bench` runs it.
//!
//! `bench full` says what was reached of what molt aims at, and succeeds if all could be
//! measured; `bench quick` fails if a ratio is wrong.

use std::fs;
use std::process::ExitCode;

use anyhow::{bail, Context, Result};
use molt_tests::bench::host::{gate, plot, reach, results, run, table};
use molt_tests::bench::plan::Plan;
use molt_tests::host::image;
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
    let folder = build.join(plan.folder);
    fs::create_dir_all(&folder)?;
    let initramfs = image::build(&folder, &build.join("tests"), &kernel, &[])?;
    let (figures, beside) = run::run(plan, &kernel.image, &initramfs, &folder)?;
    let beside = beside.as_ref();
    let claims = if plan.is_gate {
        gate::claims(&figures)
    } else {
        reach::claims(&figures, beside)
    };
    let results = results::results(plan, &kernel.release, &figures, beside, &claims);
    let text = serde_json::to_string_pretty(&results)?;
    let file = folder.join("results.json");
    fs::write(&file, text + "\n")?;
    plot::draw(&figures, beside, &kernel.release, &folder)?;
    let tables = table::tables(&figures, beside, &claims);
    fs::write(folder.join("tables.md"), &tables)?;
    println!("{tables}\n{}", file.display());

    let wrong = claims.iter().filter(|claim| claim.holds() != Some(true));
    match wrong.count() {
        count if count > 0 && plan.is_gate => bail!("{count} ratios are wrong"),
        _ => Ok(()),
    }
}
