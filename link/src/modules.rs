// SPDX-License-Identifier: GPL-2.0
//! Finds the modules whose private symbols a patch uses.

use crate::module::Module;
use crate::module_symbols::ModuleSymbols;
use anyhow::{ensure, Context, Result};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

/// How a module may be stored, with the program that unpacks it.
const FORMS: [(&str, Option<&str>); 4] = [
    (".ko", None),
    (".ko.xz", Some("xz")),
    (".ko.zst", Some("zstd")),
    (".ko.gz", Some("gzip")),
];

/// Folders with modules, and those that were read.
#[derive(Debug, Default)]
pub struct Modules {
    folders: Vec<PathBuf>,
    read: RefCell<HashMap<String, Rc<ModuleSymbols>>>,
}

impl Modules {
    /// The folders are searched in this order, each with those below it.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            read: RefCell::default(),
        }
    }

    /// The symbols of the module that the kernel calls `name`; nothing if it is in no folder.
    pub fn symbols(&self, name: &str) -> Result<Option<Rc<ModuleSymbols>>> {
        if let Some(known) = self.read.borrow().get(name) {
            return Ok(Some(Rc::clone(known)));
        }
        let mut folders = self.folders.iter();
        let Some((path, unpacker)) = folders.find_map(|folder| find(folder, name)) else {
            return Ok(None);
        };
        let symbols = read(&path, unpacker).with_context(|| path.display().to_string())?;
        let symbols = Rc::new(symbols);
        self.read
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&symbols));
        Ok(Some(symbols))
    }
}

fn read(path: &Path, unpacker: Option<&str>) -> Result<ModuleSymbols> {
    let data = match unpacker {
        None => fs::read(path)?,
        Some(program) => {
            let output = Command::new(program).arg("-dc").arg(path).output();
            let output = output.with_context(|| format!("cannot run {program}"))?;
            let words = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{program}: {}", words.trim());
            output.stdout
        }
    };
    let module = Module::parse_any(&data)?;
    Ok(ModuleSymbols::new(&module, &data))
}

/// Looks for a module in a folder, then in those below it.
fn find(folder: &Path, module: &str) -> Option<(PathBuf, Option<&'static str>)> {
    let mut entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let here = FORMS.iter().find_map(|(ending, unpacker)| {
        let entry = entries.iter().find(|entry| {
            let name = entry.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(ending));
            // The loader writes `-` as `_`.
            stem.is_some_and(|stem| stem.replace('-', "_") == module)
        })?;
        Some((entry.path(), *unpacker))
    });
    here.or_else(|| {
        entries
            .iter()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            .find_map(|entry| find(&entry.path(), module))
    })
}
