// SPDX-License-Identifier: GPL-2.0
//! The machines that tests start from: one for each release that a test needs, made
//! when the first asks for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::fix::Fix;
use super::image;
use super::kernel::Kernel;
use super::qemu::Machine;
use super::shape::Shape;
use super::snapshot::Snapshot;

/// What has been made so far.
pub struct Machines {
    default: Kernel,
    folder: PathBuf,
    fixes: Vec<Fix>,
    made: BTreeMap<String, Snapshot>,
}

impl Machines {
    /// Prepares to make them below `folder`.
    pub fn new(folder: PathBuf, fixes: &[Fix]) -> Result<Self> {
        Ok(Self {
            default: Kernel::from_environment()?,
            folder,
            fixes: fixes.to_vec(),
            made: BTreeMap::new(),
        })
    }

    /// The machine with the kernel that everything is tested on.
    pub fn default(&mut self) -> Result<Snapshot> {
        self.of_kernel(&self.default.clone())
    }

    /// The machine with the kernel of that release.
    pub fn of(&mut self, release: &str) -> Result<Snapshot> {
        if release == self.default.release {
            return self.default();
        }
        self.of_kernel(&Kernel::of(release)?)
    }

    fn of_kernel(&mut self, kernel: &Kernel) -> Result<Snapshot> {
        if let Some(snapshot) = self.made.get(&kernel.release) {
            return Ok(snapshot.clone());
        }
        let folder = self.folder.join(&kernel.release);
        fs::create_dir_all(&folder)?;
        let machine = Machine {
            kernel: kernel.image.clone(),
            initramfs: image::build(&folder, &self.folder, kernel, &self.fixes)?,
            shape: Shape::of_tests(),
        };
        let snapshot = Snapshot::make(machine, &folder)?;
        self.made.insert(kernel.release.clone(), snapshot.clone());
        Ok(snapshot)
    }
}
