// SPDX-License-Identifier: GPL-2.0
//! The test target: every scenario is one test, run in its own VM, and so is every fix of
//! `patches/`, and every file of `tests/author` that must not compile. At the end it says how long
//! each area took, and which fixes were not tested.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use molt_tests::host::author::Author;
use molt_tests::host::fix::{Fix, Tested};
use molt_tests::host::machines::Machines;
use molt_tests::host::snapshot::Snapshot;
use molt_tests::host::times::{self, Times};
use molt_tests::host::{judge, kernel};
use molt_tests::scenario::{self, Scenario};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let prepared = match prepare(&arguments) {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("cannot test: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    // Not before, so that it is the same whether or not something had to be built: the time of a
    // warm cache.
    let began = Instant::now();
    let conclusion = libtest_mimic::run(&arguments, prepared.trials);
    if arguments.list {
        return conclusion.exit_code();
    }
    println!("{}", prepared.times.table());
    if !prepared.untested.is_empty() {
        println!("fixes that were not tested: {}", prepared.untested.len());
        for line in &prepared.untested {
            println!("  {line}");
        }
        println!();
    }
    let in_ci = env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    match times::too_long(began.elapsed(), in_ci) {
        Some(words) => {
            println!("{words}");
            ExitCode::FAILURE
        }
        None => conclusion.exit_code(),
    }
}

#[derive(Default)]
struct Prepared {
    trials: Vec<Trial>,
    times: Times,
    /// The fixes that are not tested, each with the reason.
    untested: Vec<String>,
}

fn prepare(arguments: &Arguments) -> Result<Prepared> {
    let fixes = Fix::all()?;
    let logs = build_folder().join("test-logs");
    fs::create_dir_all(&logs)?;
    // Listing needs no kernel.
    let mut machines = match arguments.list {
        true => None,
        false => Some(Machines::new(build_folder().join("tests"), &fixes)?),
    };
    let mut prepared = Prepared::default();
    let Prepared {
        trials,
        times,
        untested,
    } = &mut prepared;
    for scenario in scenario::all() {
        let machine = machine(&mut machines, arguments, &scenario, Machines::default)?;
        trials.push(trial(scenario, machine, &logs, times));
    }
    for fix in &fixes {
        let scenario = scenario::fix(&fix.name);
        match fix.tested_on()? {
            Tested::On(release) => {
                let machine = machine(&mut machines, arguments, &scenario, |machines| {
                    machines.of(&release)
                })?;
                trials.push(trial(scenario, machine, &logs, times));
            }
            // It cannot be tested, which is not a success.
            Tested::Not(why) => {
                if wanted(arguments, &scenario.name()) {
                    untested.push(format!("{}: {why}", scenario.name()));
                }
                trials.push(trial(scenario, None, &logs, times).with_ignored_flag(true));
            }
        }
    }
    trials.extend(Author::all()?.into_iter().map(|author| {
        let times = times.clone();
        Trial::test(author.name(), move || {
            let run = || author.run().map_err(Failed::from);
            times.measure(&author.name(), run)
        })
    }));
    Ok(prepared)
}

fn wanted(arguments: &Arguments, name: &str) -> bool {
    let filter = arguments.filter.as_deref();
    filter.is_none_or(|filter| name.contains(filter))
}

/// The machine for a test, unless the test is left out.
fn machine(
    machines: &mut Option<Machines>,
    arguments: &Arguments,
    scenario: &Scenario,
    choose: impl FnOnce(&mut Machines) -> Result<Snapshot>,
) -> Result<Option<Snapshot>> {
    let wanted = wanted(arguments, &scenario.name());
    machines.as_mut().filter(|_| wanted).map(choose).transpose()
}

fn trial(scenario: Scenario, machine: Option<Snapshot>, logs: &Path, times: &Times) -> Trial {
    let (logs, times) = (logs.to_owned(), times.clone());
    // Stands beside the name, so that nobody takes it for a success.
    let kind = scenario.known.map_or(String::new(), |known| {
        let when = if known.always { "" } else { " at times" };
        format!("known to fail{when}: {}", known.what)
    });
    Trial::test(scenario.name(), move || {
        let machine = machine.ok_or("there is no machine")?;
        let run = || judge::run(&scenario, &machine, &logs).map_err(Failed::from);
        times.measure(&scenario.name(), run)
    })
    .with_kind(kind)
}

fn build_folder() -> PathBuf {
    kernel::checkout().join("build")
}
