// SPDX-License-Identifier: GPL-2.0

//! Finds the file of a kernel module by the module's name, and unpacks it.
//!
//! Also a part of `link/`, which includes this file: `patch!` is built by kbuild, without Cargo's
//! dependencies, so the two have no crate in common.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a module may be stored, the nearest to the build first, with the program that unpacks it.
const FORMS: [(&str, Option<&str>); 4] = [
    ("ko", None),
    ("ko.xz", Some("xz")),
    ("ko.zst", Some("zstd")),
    ("ko.gz", Some("gzip")),
];

/// A file that was found.
#[derive(Debug)]
pub(crate) struct ModuleFile {
    pub(crate) path: PathBuf,
    unpacker: Option<&'static str>,
}

impl ModuleFile {
    /// Looks for the module that the kernel calls `module` in a folder, then in those below it.
    /// Files that end in one of `instead` are taken for it, too, and come first.
    pub(crate) fn find(folder: &Path, module: &str, instead: &[&'static str]) -> Option<Self> {
        let mut entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        let instead_forms = instead.iter().map(|extension| (*extension, None));
        let mut forms = instead_forms.chain(FORMS);
        let here = forms.find_map(|(extension, unpacker)| {
            let entry = entries.iter().find(|entry| {
                let name = entry.file_name();
                let stem = name
                    .to_str()
                    .and_then(|name| name.strip_suffix(extension)?.strip_suffix('.'));
                // The loader writes `-` as `_`.
                stem.is_some_and(|stem| stem.replace('-', "_") == module)
            })?;
            let path = entry.path();
            Some(Self { path, unpacker })
        });
        here.or_else(|| {
            entries
                .iter()
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
                .find_map(|entry| Self::find(&entry.path(), module, instead))
        })
    }

    /// What is in it, unpacked.
    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        let Some(program) = self.unpacker else {
            return fs::read(&self.path).map_err(|error| error.to_string());
        };
        let output = Command::new(program)
            .arg("-dc")
            .arg(&self.path)
            .output()
            .map_err(|error| format!("cannot run {program}: {error}"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{program}: {}", words.trim()));
        }
        Ok(output.stdout)
    }
}
