// SPDX-License-Identifier: GPL-2.0
//! `/sys/kernel/molt` is what docs/abi.md promises. `smoke` looks at the values.

use std::fs;
use std::path::Path;

use anyhow::{ensure, Result};
use rustix::fs::stat;

use crate::guest::patch::{Patch, MOLT};
use crate::guest::{check, module, target, Guest};

scenarios! { sysfs:
    modes,
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
    let mut files = Vec::new();
    visit(Path::new(MOLT), &mut files)?;
    patch.disable()?;
    visit(Path::new(MOLT), &mut files)?;
    for name in ["enabled", "state", "transition", "patched", "old_addr"] {
        ensure!(files.iter().any(|file| file == name), "there is no {name}");
    }
    patch.remove()
}

fn visit(folder: &Path, files: &mut Vec<String>) -> Result<()> {
    check::equal(
        &format!("mode of {}", folder.display()),
        mode(folder)?,
        0o755,
    )?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().into_string());
        if path.is_dir() {
            visit(&path, files)?;
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
        files.push(name);
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
