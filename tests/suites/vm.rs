// SPDX-License-Identifier: GPL-2.0
//! The test target: every scenario is one test, run in its own VM, and so is every fix of
//! `patches/`, and every file of `tests/author` that must not compile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use molt_tests::host::author::Author;
use molt_tests::host::fix::Fix;
use molt_tests::host::machines::Machines;
use molt_tests::host::snapshot::Snapshot;
use molt_tests::host::{judge, kernel};
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
    let fixes = Fix::all()?;
    let logs = build_folder().join("test-logs");
    fs::create_dir_all(&logs)?;
    // Listing needs no kernel.
    let mut machines = match arguments.list {
        true => None,
        false => Some(Machines::new(build_folder().join("tests"), &fixes)?),
    };
    let mut trials = Vec::new();
    for scenario in scenario::all() {
        let machine = machine(&mut machines, arguments, &scenario, Machines::default)?;
        trials.push(trial(scenario, machine, &logs));
    }
    for fix in &fixes {
        let scenario = scenario::fix(&fix.name);
        match fix.tested_on()? {
            Some(release) => {
                let machine = machine(&mut machines, arguments, &scenario, |machines| {
                    machines.of(&release)
                })?;
                trials.push(trial(scenario, machine, &logs));
            }
            // No kernel that it is for: it cannot be tested, which is not a success.
            None => trials.push(trial(scenario, None, &logs).with_ignored_flag(true)),
        }
    }
    trials.extend(
        Author::all()?
            .into_iter()
            .map(|author| Trial::test(author.name(), move || author.run().map_err(Failed::from))),
    );
    Ok(trials)
}

/// The machine for a test, unless the test is left out.
fn machine(
    machines: &mut Option<Machines>,
    arguments: &Arguments,
    scenario: &Scenario,
    choose: impl FnOnce(&mut Machines) -> Result<Snapshot>,
) -> Result<Option<Snapshot>> {
    let wanted = match &arguments.filter {
        Some(filter) => scenario.name().contains(filter),
        None => true,
    };
    machines.as_mut().filter(|_| wanted).map(choose).transpose()
}

fn trial(scenario: Scenario, machine: Option<Snapshot>, logs: &Path) -> Trial {
    let logs = logs.to_owned();
    // Stands beside the name, so that nobody takes it for a success.
    let kind = scenario.known.map_or(String::new(), |known| {
        let when = if known.always { "" } else { " at times" };
        format!("known to fail{when}: {}", known.what)
    });
    Trial::test(scenario.name(), move || {
        let machine = machine.ok_or("there is no machine")?;
        judge::run(&scenario, &machine, &logs).map_err(Failed::from)
    })
    .with_kind(kind)
}

fn build_folder() -> PathBuf {
    kernel::checkout().join("build")
}
