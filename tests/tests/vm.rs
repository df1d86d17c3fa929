// SPDX-License-Identifier: GPL-2.0
//! The test target: every scenario is one test, run in its own VM, and every file
//! of `tests/author` that must not compile is one.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use molt_tests::host::author::Author;
use molt_tests::host::{image, judge, kernel};
use molt_tests::scenario::{self, Scenario};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match prepare(&arguments) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("cannot test: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(arguments: &Arguments) -> Result<Vec<Trial>> {
    let build = kernel::checkout().join("build");
    let logs = build.join("test-logs");
    // Listing needs no kernel.
    let mut initramfs = PathBuf::new();
    if !arguments.list {
        fs::create_dir_all(&logs)?;
        kernel::image()?;
        initramfs = image::build(&build.join("tests"))?;
    }
    let in_guest = scenario::all().map(|scenario: Scenario| {
        let (initramfs, logs) = (initramfs.clone(), logs.clone());
        Trial::test(scenario.name(), move || {
            judge::run(&scenario, &initramfs, &logs).map_err(Failed::from)
        })
    });
    let on_host = Author::all()?
        .into_iter()
        .map(|author| Trial::test(author.name(), move || author.run().map_err(Failed::from)));
    Ok(in_guest.chain(on_host).collect())
}
