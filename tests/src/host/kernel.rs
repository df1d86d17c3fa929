// SPDX-License-Identifier: GPL-2.0
//! Where the kernel and the modules under test are; the Makefile says it in the
//! environment.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};

/// The checkout: the folder that holds `tests/`.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is in a folder of the checkout")
}

/// The kernel to boot: `MOLT_VMLINUX`, which needs no unpacking at every boot.
pub fn image() -> Result<PathBuf> {
    from_environment("MOLT_VMLINUX")
}

/// The same kernel packed, as kexec takes it: `MOLT_VMLINUZ`.
pub fn packed() -> Result<PathBuf> {
    from_environment("MOLT_VMLINUZ")
}

fn from_environment(name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(env::var_os(name).with_context(|| {
        format!("{name} is not set: `make test` sets it, or see tests/README.md")
    })?);
    if !path.exists() {
        bail!("{name} is {}, which does not exist", path.display());
    }
    Ok(path)
}

/// The modules that kbuild made in the checkout.
pub fn modules() -> Result<Vec<PathBuf>> {
    let order = checkout().join("modules.order");
    let text = fs::read_to_string(&order)
        .with_context(|| format!("{}: run `make modules` first", order.display()))?;
    // Entries are object files, relative to the folder of modules.order.
    Ok(text
        .lines()
        .map(|line| checkout().join(line).with_extension("ko"))
        .collect())
}
