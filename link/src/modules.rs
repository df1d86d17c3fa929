// SPDX-License-Identifier: GPL-2.0
//! Finds the modules whose private symbols a patch uses.

use crate::module::Module;
use crate::module_file::ModuleFile;
use crate::module_symbols::ModuleSymbols;
use anyhow::{Context, Error, Result};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

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
        let Some(file) = folders.find_map(|folder| ModuleFile::find(folder, name, &[])) else {
            return Ok(None);
        };
        let symbols = read(&file).with_context(|| file.path.display().to_string())?;
        let symbols = Rc::new(symbols);
        self.read
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&symbols));
        Ok(Some(symbols))
    }
}

fn read(file: &ModuleFile) -> Result<ModuleSymbols> {
    let data = file.read().map_err(Error::msg)?;
    let module = Module::parse_any(&data)?;
    Ok(ModuleSymbols::new(&module, &data))
}
