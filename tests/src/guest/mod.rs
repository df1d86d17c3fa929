// SPDX-License-Identifier: GPL-2.0
//! The guest's side: what a scenario works with.

pub mod bpf;
pub mod check;
pub mod cpu;
pub mod helper;
pub mod init;
pub mod journal;
pub mod kexec;
pub mod late;
pub mod load;
pub mod log;
pub mod module;
pub mod nmi;
pub mod patch;
pub mod process;
pub mod sleeper;
pub mod snapshot;
pub mod syscall;
pub mod target;
pub mod tracefs;
pub mod uring;

use std::fs::File;
use std::io;
use std::sync::Mutex;

use crate::report::Line;

/// The machine a scenario runs in.
pub struct Guest {
    case: String,
    token: String,
    port: Mutex<File>,
}

impl Guest {
    fn new(case: &str, token: &str, port: File) -> Self {
        Self {
            case: case.to_owned(),
            token: token.to_owned(),
            port: Mutex::new(port),
        }
    }

    /// The scenario's name without its area.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// Notes a figure or an observation in the test's log.
    pub fn note(&self, text: impl AsRef<str>) {
        // A note that does not get through is no reason to fail.
        let _ = self.report(&Line::Note(text.as_ref().to_owned()));
    }

    /// What lines of the report begin with.
    pub fn token(&self) -> &str {
        &self.token
    }

    fn report(&self, line: &Line) -> io::Result<()> {
        let mut port = self
            .port
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        line.write(&self.token, &mut *port)
    }
}
