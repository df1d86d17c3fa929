// SPDX-License-Identifier: GPL-2.0
//! The only program of the guest. As PID 1 (`init SCENARIO TOKEN`) it runs one
//! scenario, reports and switches the machine off. Scenarios start it again for
//! what must be a process of its own; see `guest::helper`.

use std::process::ExitCode;

use molt_tests::guest;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if std::process::id() == 1 {
        guest::init::run(&arguments)
    } else {
        guest::helper::run(&arguments)
    }
}
