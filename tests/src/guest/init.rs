// SPDX-License-Identifier: GPL-2.0
//! PID 1: prepares the machine, runs the scenario, reports, switches off.

use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use anyhow::{anyhow, Context, Result};
use rustix::mount::{mount, MountFlags};
use rustix::system::{reboot, RebootCommand};

use super::Guest;
use crate::report::Line;
use crate::scenario;

/// Runs the scenario that the kernel's command line names. PID 1 must not end:
/// it does not return unless the machine cannot be switched off.
pub fn run(arguments: &[String]) -> ExitCode {
    if let Err(error) = try_run(arguments) {
        eprintln!("init: {error:#}");
    }
    rustix::fs::sync();
    let error = reboot(RebootCommand::PowerOff);
    eprintln!("init: cannot switch off: {error:?}");
    ExitCode::FAILURE
}

fn try_run(arguments: &[String]) -> Result<()> {
    prepare().context("cannot prepare the machine")?;
    let [name, token] = arguments else {
        return Err(anyhow!("usage: init SCENARIO TOKEN, not {arguments:?}"));
    };
    let guest = Guest::new(token).context("no second serial port")?;
    guest.report(&Line::Start(name.clone()))?;
    let outcome = match scenario::find(name) {
        Some(scenario) => panic::catch_unwind(AssertUnwindSafe(|| (scenario.run)(&guest)))
            .unwrap_or_else(|_| Err(anyhow!("the scenario panicked; the console has the words"))),
        None => Err(anyhow!("no scenario {name}")),
    };
    guest.report(&match outcome {
        Ok(()) => Line::Ok,
        Err(error) => Line::Fail(format!("{error:#}")),
    })?;
    Ok(())
}

fn prepare() -> io::Result<()> {
    for (kind, folder) in [
        ("devtmpfs", "/dev"),
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("tracefs", "/sys/kernel/tracing"),
    ] {
        mount(kind, folder, kind, MountFlags::empty(), None)
            .or_else(|error| {
                // Some kernels mount devtmpfs by themselves.
                if error == rustix::io::Errno::BUSY {
                    Ok(())
                } else {
                    Err(error)
                }
            })
            .map_err(|error| io::Error::other(format!("{folder}: {error}")))?;
    }
    // Booting was quiet; from here on the console shows what the kernel says.
    fs::write("/proc/sys/kernel/printk", "8")
}
