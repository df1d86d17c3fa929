// SPDX-License-Identifier: GPL-2.0
//! Builds what every guest boots with: the static guest program and the modules
//! in one initramfs. Which scenario runs is said on the kernel's command line, so
//! all VMs share the image.

use std::env;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::cpio::Archive;
use super::kernel;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the image below `folder`.
pub fn build(folder: &Path) -> Result<PathBuf> {
    let guest = build_guest(&folder.join("guest"))?;
    let path = folder.join("initramfs.cpio");
    let unfinished = path.with_extension("new");
    let mut archive = Archive::new(BufWriter::new(File::create(&unfinished)?));
    for name in ["dev", "proc", "sys", "tmp", "modules"] {
        archive.folder(name)?;
    }
    archive.device("dev/console", 5, 1)?;
    archive.file("init", &fs::read(guest)?)?;
    archive.file("vmlinuz", &fs::read(kernel::packed()?)?)?;
    for module in stripped(&folder.join("modules"), &kernel::modules()?)? {
        let name = module
            .file_name()
            .context("a module without a name")?
            .to_string_lossy();
        archive.file(&format!("modules/{name}"), &fs::read(&module)?)?;
    }
    archive.finish()?;
    fs::rename(unfinished, &path)?;
    Ok(path)
}

/// Copies modules without their debugging information: it is 95 % of them, and every
/// VM unpacks them all.
fn stripped(folder: &Path, modules: &[PathBuf]) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut copies = Vec::with_capacity(modules.len());
    for module in modules {
        let copy = folder.join(module.file_name().context("a module without a name")?);
        fs::copy(module, &copy).with_context(|| module.display().to_string())?;
        copies.push(copy);
    }
    let status = Command::new("strip")
        .arg("--strip-debug")
        .args(&copies)
        .status()
        .context("cannot run strip")?;
    ensure!(status.success(), "strip: {status}");
    Ok(copies)
}

/// The guest has no C library to load, so it is linked statically. Cargo cannot
/// say that for one binary of a package: it is built by a second cargo with its
/// own target folder.
fn build_guest(target_folder: &Path) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "molt-tests",
            "--bin",
            "guest",
        ])
        .args(["--features", "guest", "--target", TARGET, "--target-dir"])
        .arg(target_folder)
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static -Cstrip=symbols")
        .current_dir(kernel::checkout())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the guest program does not build");
    Ok(target_folder.join(TARGET).join("debug/guest"))
}
