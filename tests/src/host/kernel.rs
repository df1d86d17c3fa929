// SPDX-License-Identifier: GPL-2.0
//! A kernel to boot, and where the modules are that were built for it.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

/// The checkout: the folder that holds `tests/`.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in a folder of the checkout")
}

/// One release.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// As `uname -r` says it.
    pub release: String,
    /// What QEMU boots: a vmlinux, which needs no unpacking at every boot.
    pub image: PathBuf,
    /// The same packed, as kexec takes it.
    pub packed: PathBuf,
    /// Where kbuild left what was built for it.
    pub built: PathBuf,
    /// The distribution's modules: `/lib/modules/<release>`.
    pub modules: PathBuf,
}

impl Kernel {
    /// The one that the makefile describes in the environment.
    pub fn from_environment() -> Result<Self> {
        Self::from_settings(|name| env::var(name).ok())
    }

    /// Another release, which has been prepared.
    pub fn of(release: &str) -> Result<Self> {
        let mut command = Command::new(checkout().join("scripts/kernel"));
        command.arg("--env").env("KERNEL", release);
        // These say where the files of the other kernel are.
        for name in [
            "KDIR",
            "MOLT_KERNEL_IMAGE",
            "MOLT_VMLINUX",
            "MOLT_VMLINUZ",
            "MOLT_BTF",
            "MOLT_MODULES",
        ] {
            command.env_remove(name);
        }
        let output = command.output().context("cannot run scripts/kernel")?;
        ensure!(
            output.status.success(),
            "there is no kernel {release}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let settings = String::from_utf8(output.stdout)?;
        let settings: HashMap<&str, &str> = settings
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        Self::from_settings(|name| settings.get(name).map(|&value| value.to_owned()))
    }

    fn from_settings(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let setting = |name: &str| {
            get(name).with_context(|| {
                format!("{name} is not set: `make test` sets it, or see tests/README.md")
            })
        };
        let file = |name: &str| {
            let file = PathBuf::from(setting(name)?);
            ensure!(
                file.exists(),
                "{name} is {}, which does not exist",
                file.display()
            );
            Ok(file)
        };
        Ok(Self {
            release: setting("MOLT_RELEASE")?,
            image: file("MOLT_VMLINUX")?,
            packed: file("MOLT_VMLINUZ")?,
            built: setting("MOLT_OUT")?.into(),
            modules: setting("MOLT_MODULES")?.into(),
        })
    }

    /// The modules that kbuild made for it.
    pub fn our_modules(&self) -> Result<Vec<PathBuf>> {
        let order = self.built.join("modules.order");
        let text = fs::read_to_string(&order)
            .with_context(|| format!("{}: run `make modules` first", order.display()))?;
        // Entries are object files, relative to the folder of modules.order.
        Ok(text
            .lines()
            .map(|line| self.built.join(line).with_extension("ko"))
            .collect())
    }

    /// The core that compares its verdicts, if it was built for it.
    pub fn checking_core(&self) -> Option<PathBuf> {
        let built = checkout().join("build/check").join(&self.release);
        Some(built.join("molt.ko")).filter(|core| core.exists())
    }

    /// A module of the distribution after all that it depends on; none of those that
    /// are built in.
    pub fn with_dependencies(&self, module: &str) -> Result<Vec<PathBuf>> {
        let root = self
            .modules
            .ancestors()
            .nth(3)
            .context("MOLT_MODULES is no lib/modules/RELEASE")?;
        let output = Command::new("modprobe")
            .arg("--show-depends")
            .arg("--dirname")
            .arg(root)
            .args(["--set-version", &self.release, module])
            .output()
            .context("cannot run modprobe")?;
        ensure!(
            output.status.success(),
            "{} has no module {module}: {}",
            self.release,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?
            .lines()
            .filter_map(|line| line.strip_prefix("insmod "))
            .map(|file| file.trim_end().into())
            .collect())
    }
}
