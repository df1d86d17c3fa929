// SPDX-License-Identifier: GPL-2.0
//! The only program of the guest. As PID 1 it waits for an order on the
//! second serial port, runs that scenario, reports and switches the machine off.
//! Scenarios start it again for what must be a process of its own; see
//! `guest::helper`.

use std::process::ExitCode;

use molt_tests::guest;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        return guest::init::run();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    guest::helper::run(&arguments)
}
