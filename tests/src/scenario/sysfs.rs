// SPDX-License-Identifier: GPL-2.0
//! `/sys/kernel/molt` is what docs/abi.md promises. `smoke` looks at the values.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{ensure, Context, Result};
use rustix::fs::stat;

use crate::guest::patch::{Patch, MOLT};
use crate::guest::{check, module, target, Guest};

scenarios! { sysfs:
    modes,
    files_are_those_of_the_abi,
    stack_order_is_renumbered,
}

/// Files that only root may read; of the others only these may be written.
const PRIVATE: &[&str] = &["blockers", "old_addr", "new_addr"];
const WRITABLE: &[&str] = &["enabled", "redirect", "consistency", "budget_us", "poke_ms"];
/// Of a patch.
const WRITE_ONLY: &[&str] = &["poke", "force"];

/// Every file may be read by whom it should, and written by nobody else than root.
fn modes(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_both")?;
    visit(Path::new(MOLT))?;
    patch.disable()?;
    visit(Path::new(MOLT))?;
    patch.remove()
}

/// No file that docs/abi.md does not tell of, and none of those missing.
fn files_are_those_of_the_abi(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_both")?;
    let object = patch.folder().join("target");
    let functions = fs::read_dir(&object)?
        .map(|entry| Ok(entry?.path()))
        .filter(|path| path.as_ref().map_or(true, |path| path.is_dir()))
        .collect::<Result<Vec<_>>>()?;
    ensure!(functions.len() == 2, "functions: {functions:?}");
    check::equal("core", files(MOLT.as_ref())?, documented("")?)?;
    check::equal("patch", files(&patch.folder())?, documented("PATCH/")?)?;
    let (inner, own) = documented("PATCH/OBJECT/")?
        .into_iter()
        .partition::<BTreeSet<_>, _>(|name| name.contains('/'));
    check::equal("object", files(&object)?, own)?;
    let inner = inner
        .iter()
        .map(|name| {
            let name = name.strip_prefix("FUNCTION,SYMPOS/").context("prefix")?;
            Ok(name.to_owned())
        })
        .collect::<Result<BTreeSet<_>>>()?;
    for function in functions {
        check::equal("function", files(&function)?, inner.clone())?;
    }
    patch.retire()
}

/// The files of a folder, without those of its folders.
fn files(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Those that docs/abi.md tells of below `/sys/kernel/molt/` and this folder.
fn documented(folder: &str) -> Result<BTreeSet<String>> {
    const ABI: &str = include_str!("../../../docs/abi.md");
    let (_, section) = ABI
        .split_once(&format!("\n## `/sys/kernel/molt/{folder}`\n"))
        .with_context(|| format!("no section of {folder:?}"))?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    Ok(section.lines().filter_map(row).collect())
}

fn visit(folder: &Path) -> Result<()> {
    check::equal(
        &format!("mode of {}", folder.display()),
        mode(folder)?,
        0o755,
    )?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().into_string());
        if path.is_dir() {
            visit(&path)?;
            continue;
        }
        let name = name.unwrap_or_default();
        let expected = match name.as_str() {
            name if WRITABLE.contains(&name) => 0o644,
            name if WRITE_ONLY.contains(&name) && path.with_file_name("enabled").exists() => 0o200,
            name if PRIVATE.contains(&name) => 0o400,
            _ => 0o444,
        };
        check::equal(
            &format!("mode of {}", path.display()),
            mode(&path)?,
            expected,
        )?;
    }
    Ok(())
}

fn mode(path: &Path) -> Result<u32> {
    Ok(stat(path)?.st_mode & 0o777)
}

/// Who is below moves up when one goes; who comes back is on top.
fn stack_order_is_renumbered(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let first = Patch::load("patch_value")?;
    let second = Patch::load("patch_both")?;
    let third = Patch::load("patch_value_again")?;
    let orders = || -> Result<[u64; 3]> {
        Ok([
            first.number("stack_order")?,
            second.number("stack_order")?,
            third.number("stack_order")?,
        ])
    };
    check::equal("three", orders()?, [1, 2, 3])?;
    second.disable()?;
    check::equal("without the second", orders()?, [1, 0, 2])?;
    first.disable()?;
    check::equal("without the first", orders()?, [0, 0, 1])?;
    first.enable()?;
    target::expect("value", "2")?;
    check::equal("the first on top", orders()?, [2, 0, 1])?;
    third.retire()?;
    check::equal("alone", first.number("stack_order")?, 1)?;
    second.remove()?;
    first.retire()
}
