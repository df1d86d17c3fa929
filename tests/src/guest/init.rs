// SPDX-License-Identifier: GPL-2.0
//! PID 1: prepares the machine, runs the scenario, reports, switches off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use anyhow::{anyhow, bail, Context, Result};
use rustix::mount::{mount, MountFlags};
use rustix::system::{reboot, RebootCommand};
use rustix::termios::{tcgetattr, tcsetattr, LocalModes, OptionalActions};

use super::{kexec, module, Guest};
use crate::report::{Line, READY};
use crate::scenario::{self, Ending};

/// Runs the scenario it is told to. PID 1 must not end: it does not return unless
/// the machine cannot be switched off.
pub fn run() -> ExitCode {
    let ending = try_run().unwrap_or_else(|error| {
        eprintln!("init: {error:#}");
        Ending::PowerOff
    });
    rustix::fs::sync();
    let error = reboot(match ending {
        Ending::PowerOff => RebootCommand::PowerOff,
        Ending::Restart => RebootCommand::Restart,
    });
    eprintln!("init: cannot switch off: {error:?}");
    ExitCode::FAILURE
}

fn try_run() -> Result<Ending> {
    prepare().context("cannot prepare the machine")?;
    if let Some(token) = std::env::args()
        .skip_while(|word| word != kexec::AFTER)
        .nth(1)
    {
        Line::Ok.write(&token, &mut open_port()?)?;
        return Ok(Ending::PowerOff);
    }
    let (mut port, order) = receive_order().context("no order on the second serial port")?;
    let Some((name, token)) = order.split_once(' ') else {
        bail!("an order is SCENARIO TOKEN, not {order:?}");
    };
    Line::Start(name.to_owned()).write(token, &mut port)?;
    let Some(scenario) = scenario::find(name) else {
        Line::Fail(format!("no scenario {name}")).write(token, &mut port)?;
        return Ok(Ending::PowerOff);
    };
    if let Some(model) = scenario.model {
        module::choose_model(model);
    }
    let guest = Guest::new(scenario.case(), token, port);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| (scenario.run)(&guest)))
        .unwrap_or_else(|_| Err(anyhow!("the scenario panicked; the console has the words")));
    guest.report(&match outcome {
        Ok(()) => Line::Ok,
        Err(error) => Line::Fail(format!("{error:#}")),
    })?;
    Ok(scenario.ending)
}

fn open_port() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/ttyS1")
}

/// The machine is frozen while this waits, and goes on in every test.
fn receive_order() -> Result<(File, String)> {
    let mut port = open_port()?;
    let mut settings = tcgetattr(&port)?;
    settings.local_modes -= LocalModes::ECHO;
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    writeln!(port, "{READY}")?;
    for line in BufReader::new(&port).lines() {
        let order = line?;
        if !order.trim().is_empty() {
            return Ok((port, order));
        }
    }
    bail!("the port was closed")
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
