// SPDX-License-Identifier: GPL-2.0
//! The machine all tests start from: booted once, frozen when the guest program waits
//! for its order. Each test is a VM of its own that thaws this, which takes a tenth
//! of the time of a boot.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};

use super::qemu::{Machine, Ports, Qemu};
use super::splat;
use crate::report::READY;

/// A frozen machine.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What was booted.
    pub machine: Machine,
    /// Where it is.
    pub file: PathBuf,
}

impl Snapshot {
    /// Boots the machine, and freezes it below `folder`.
    pub fn make(machine: Machine, folder: &Path) -> Result<Self> {
        const PATIENCE: Duration = Duration::from_secs(120);
        let ports = Ports::new(folder, "boot");
        ports.prepare("")?;
        let began = Instant::now();
        let qemu = Qemu::start(&machine, &ports, None)?;
        let console = || fs::read_to_string(&ports.console).unwrap_or_default();
        while !fs::read_to_string(&ports.report)?.contains(READY) {
            ensure!(
                began.elapsed() < PATIENCE,
                "the guest does not boot:\n{}",
                console()
            );
            thread::sleep(Duration::from_millis(20));
        }
        let splats = splat::find(&console(), &[]).join("\n");
        ensure!(
            splats.is_empty(),
            "the kernel complained while booting:\n{splats}"
        );
        let file = folder.join("machine");
        qemu.freeze(&file).context("cannot freeze the machine")?;
        Ok(Self { machine, file })
    }
}
