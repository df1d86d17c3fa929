// SPDX-License-Identifier: GPL-2.0
//! Replacing a file in one step.

use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Puts new contents at `path` with the mode of the old, or leaves the old as it was.
///
/// The new file is complete before it takes the name, so whoever opens the path sees the module
/// either before or after the edit.
pub fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    // What a symbolic link points to is replaced, not the link.
    let path = &fs::canonicalize(path).context("cannot be found")?;
    let folder = path.parent().context("has no folder")?;
    let permissions = fs::metadata(path).context("cannot be read")?.permissions();
    let mut file = tempfile::Builder::new()
        .prefix(".molt-link.")
        .tempfile_in(folder)
        .context("cannot write beside it")?;
    file.write_all(contents).context("cannot write beside it")?;
    file.as_file()
        .set_permissions(permissions)
        .context("cannot set the mode")?;
    file.persist(path).context("cannot be replaced")?;
    Ok(())
}
