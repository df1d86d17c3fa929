// SPDX-License-Identifier: GPL-2.0
//! Builds what the guests of one kernel boot with: the static programs and the modules in
//! one initramfs. Which scenario runs is said later, so all VMs share the image.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::cpio::Archive;
use super::fix::Fix;
use super::kernel::{self, Kernel};

/// Modules of the distribution that scenarios load.
const THEIRS: [&str; 1] = ["pktgen"];

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the image for one kernel in `folder`; the programs, which are for all, are
/// built below `shared`.
pub fn build(folder: &Path, shared: &Path, kernel: &Kernel, fixes: &[Fix]) -> Result<PathBuf> {
    let programs = build_programs(&shared.join("guest"))?;
    let path = folder.join("initramfs.cpio");
    let unfinished = path.with_extension("new");
    let mut archive = Archive::new(BufWriter::new(File::create(&unfinished)?));
    for name in ["dev", "proc", "sys", "tmp", "modules", "fixes"] {
        archive.folder(name)?;
    }
    archive.device("dev/console", 5, 1)?;
    archive.file("init", &fs::read(programs.join("guest"))?)?;
    archive.file("vmlinuz", &fs::read(&kernel.packed)?)?;
    archive.file("probe", &fs::read(programs.join("probe"))?)?;

    let mut theirs = BTreeSet::new();
    for module in THEIRS {
        theirs.extend(kernel.with_dependencies(module)?);
    }
    for fix in fixes.iter().filter(|fix| fix.is_for(&kernel.release)) {
        let mut needed = Vec::new();
        for module in &fix.modules {
            for file in kernel.with_dependencies(module)? {
                if !needed.contains(&file) {
                    needed.push(file);
                }
            }
        }
        let list = needed.iter().map(|file| name(file) + "\n");
        let list: String = list.collect();
        archive.file(&format!("fixes/{}", fix.name), list.as_bytes())?;
        theirs.extend(needed);
    }
    for module in theirs {
        let file = format!("modules/{}.ko", name(&module));
        archive.file(&file, &unpacked(&module)?)?;
    }
    for module in stripped(&folder.join("modules"), &kernel.our_modules()?)? {
        let file = format!("modules/{}.ko", name(&module));
        archive.file(&file, &fs::read(&module)?)?;
    }
    if let Some(core) = kernel.checking_core() {
        let core = stripped(&folder.join("checking"), &[core])?.remove(0);
        archive.file("modules/molt_check.ko", &fs::read(core)?)?;
    }
    archive.finish()?;
    fs::rename(unfinished, &path)?;
    Ok(path)
}

/// The module's name: that of its file without `.ko` and `.xz`.
fn name(module: &Path) -> String {
    let name = module.file_name().unwrap_or_default().to_string_lossy();
    name.split(".ko").next().unwrap_or_default().to_owned()
}

/// A module of the distribution, as the kernel takes it.
fn unpacked(module: &Path) -> Result<Vec<u8>> {
    if module.extension().is_none_or(|extension| extension != "xz") {
        return fs::read(module).with_context(|| module.display().to_string());
    }
    let output = Command::new("xz")
        .arg("-dc")
        .arg(module)
        .output()
        .context("cannot run xz")?;
    ensure!(
        output.status.success(),
        "{}: {}",
        module.display(),
        output.status
    );
    Ok(output.stdout)
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

/// Returns the folder of the guest program and of the probes. The guest has no C library
/// to load, so they are linked statically. Cargo cannot say that for one binary of a
/// package: they are built by a second cargo with its own target folder.
fn build_programs(target_folder: &Path) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--locked"])
        .args(["--package", "molt-tests", "--bin", "guest"])
        .args(["--package", "molt-patches", "--bin", "probe"])
        .args(["--features", "molt-tests/guest", "--target", TARGET])
        .arg("--target-dir")
        .arg(target_folder)
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static -Cstrip=symbols")
        .current_dir(kernel::checkout())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the programs of the guest do not build");
    Ok(target_folder.join(TARGET).join("debug"))
}
