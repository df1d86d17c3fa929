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

    /// Where to test it: on the release that was asked for (`KERNEL`), if the fix is for that, or
    /// else on what `scripts/fixes` has chosen.
    pub fn tested_on(&self) -> Result<Tested> {
        let asked = env::var("KERNEL").unwrap_or_default();
        let chosen = kernel::checkout().join("build/fixes");
        let chosen = match chosen.exists() {
            true => lines(&chosen)?,
            false => Vec::new(),
        };
        Ok(self.choose(&asked, &chosen))
    }

    /// `chosen` has lines `NAME RELEASE`, without the release if none is to be had.
    fn choose(&self, asked: &str, chosen: &[String]) -> Tested {
        if !asked.is_empty() {
            return match self.is_for(asked) {
                true => Tested::On(asked.to_owned()),
                false => Tested::Not("it is not for this kernel"),
            };
        }
        let mut chosen = chosen
            .iter()
            .map(|line| line.split_once(' ').unwrap_or((line, "")));
        match chosen.find(|(name, _)| *name == self.name) {
            Some((_, "")) => Tested::Not(
                "none of its kernels is to be had any more; it was built for the newest kernel",
            ),
            Some((_, release)) => Tested::On(release.to_owned()),
            None => Tested::Not("scripts/fixes, which `make test` runs, has chosen no kernel"),
        }
    }
}

/// Where a fix is tested.
#[derive(Debug, PartialEq, Eq)]
pub enum Tested {
    /// On this release.
    On(String),
    /// Nowhere, for this reason.
    Not(&'static str),
}

fn lines(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_tested_has_a_reason() {
        let fix = Fix {
            name: "one".into(),
            releases: vec!["7.1".into(), "7.2".into()],
            modules: Vec::new(),
        };
        let on = |release: &str| Tested::On(release.into());
        let chosen = ["other 7.0".to_owned(), "one 7.2".to_owned()];
        assert_eq!(fix.choose("", &chosen), on("7.2"));
        assert_eq!(fix.choose("7.1", &chosen), on("7.1"));
        let reason = |asked, chosen: &[String]| match fix.choose(asked, chosen) {
            Tested::On(release) => panic!("tested on {release}"),
            Tested::Not(why) => why,
        };
        assert!(reason("7.3", &chosen).contains("not for this"));
        assert!(reason("", &chosen[..1]).contains("has chosen no"));
        assert!(reason("", &["one".to_owned()]).contains("was built"));
    }
}
