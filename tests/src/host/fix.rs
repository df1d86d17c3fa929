// SPDX-License-Identifier: GPL-2.0
//! The fixes: the folders of `patches/` that have a file `releases`.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{ensure, Context, Result};

use super::kernel;

/// One fix, as its folder describes it.
#[derive(Debug, Clone)]
pub struct Fix {
    /// The name of the folder, and of the module.
    pub name: String,
    /// The releases that it is for; it is tested on the first that is there.
    releases: Vec<String>,
    /// The distribution's modules that its probe needs.
    pub modules: Vec<String>,
}

impl Fix {
    /// All of them, by name.
    pub fn all() -> Result<Vec<Self>> {
        let folder = kernel::checkout().join("patches");
        let mut fixes = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let folder = entry?.path();
            if folder.join("releases").exists() {
                fixes.push(Self::read(&folder).with_context(|| folder.display().to_string())?);
            }
        }
        fixes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(fixes)
    }

    fn read(folder: &Path) -> Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        ensure!(
            name.bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()),
            "the name of a folder is that of its module: letters, digits and _"
        );
        let releases = lines(&folder.join("releases"))?;
        ensure!(!releases.is_empty(), "`releases` names none");
        let modules = folder.join("modules");
        Ok(Self {
            name: name.into_owned(),
            releases,
            modules: if modules.exists() {
                lines(&modules)?
            } else {
                Vec::new()
            },
        })
    }

    /// Whether it is for that release.
    pub fn is_for(&self, release: &str) -> bool {
        self.releases.iter().any(|one| one == release)
    }

    /// The release to test it on: the one that was asked for (`KERNEL`), if the fix is
    /// for that, or else what `scripts/fixes` has chosen.
    pub fn tested_on(&self) -> Result<Option<String>> {
        let asked = env::var("KERNEL").unwrap_or_default();
        if !asked.is_empty() {
            return Ok(self.is_for(&asked).then_some(asked));
        }
        let chosen = kernel::checkout().join("build/fixes");
        if !chosen.exists() {
            return Ok(None);
        }
        let chosen = lines(&chosen)?;
        let mut chosen = chosen.iter().filter_map(|line| line.split_once(' '));
        let release = chosen.find(|(name, _)| *name == self.name);
        Ok(release.map(|(_, release)| release.to_owned()))
    }
}

fn lines(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}
