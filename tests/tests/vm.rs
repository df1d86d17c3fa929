// SPDX-License-Identifier: GPL-2.0
//! The test target: every scenario is one test, run in its own VM, and every file
//! of `tests/author` that must not compile is one.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use molt_tests::host::author::Author;
use molt_tests::host::qemu::Machine;
use molt_tests::host::snapshot::Snapshot;
use molt_tests::host::{image, judge, kernel};
use molt_tests::scenario;

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
    // Listing needs no kernel.
    let snapshot = if arguments.list {
        None
    } else {
        Some(snapshot()?)
    };
    let logs = build_folder().join("test-logs");
    fs::create_dir_all(&logs)?;
    let in_guest = scenario::all().map(|scenario| {
        let (snapshot, logs) = (snapshot.clone(), logs.clone());
        Trial::test(scenario.name(), move || {
            let snapshot = snapshot.ok_or("there is no machine")?;
            judge::run(&scenario, &snapshot, &logs).map_err(Failed::from)
        })
    });
    let on_host = Author::all()?
        .into_iter()
        .map(|author| Trial::test(author.name(), move || author.run().map_err(Failed::from)));
    Ok(in_guest.chain(on_host).collect())
}

fn snapshot() -> Result<Snapshot> {
    let folder = build_folder().join("tests");
    fs::create_dir_all(&folder)?;
    let machine = Machine {
        kernel: kernel::image()?,
        initramfs: image::build(&folder)?,
    };
    Snapshot::make(machine, &folder)
}

fn build_folder() -> PathBuf {
    kernel::checkout().join("build")
}
