// SPDX-License-Identifier: GPL-2.0
//! The symbols that a module has for kallsyms.

use crate::arch::{ENDBR, ENDBR_SEAL};
use crate::definition::{Definition, Landing};
use crate::module::{Module, Symbol};
use std::collections::{HashMap, HashSet};

/// All symbols of a built module by name, in the order of its symbol table, which is the one that
/// livepatch counts positions in.
#[derive(Debug, Default)]
pub struct ModuleSymbols(HashMap<String, Vec<Definition>>);

impl ModuleSymbols {
    /// Reads them out of a module and its file.
    pub fn new(module: &Module, data: &[u8]) -> Self {
        let sealed = sealed_functions(module);
        let mut by_name: HashMap<String, Vec<Definition>> = HashMap::new();
        for symbol in &module.symbols {
            // The loader keeps no names of anything else.
            let section = module.sections.get(usize::from(symbol.shndx));
            let Some(section) = section.filter(|s| !symbol.is_undefined() && s.is_allocated())
            else {
                continue;
            };
            if symbol.name.is_empty() {
                continue;
            }
            let endbr = module
                .bytes_at(symbol, data)
                .is_some_and(|code| code.starts_with(&ENDBR));
            let kept = endbr && !sealed.contains(&(symbol.shndx, symbol.value));
            by_name
                .entry(symbol.name.clone())
                .or_default()
                .push(Definition {
                    text: section.is_code(),
                    init: section.is_init(),
                    landing: if kept { Landing::Kept } else { Landing::Sealed },
                });
        }
        Self(by_name)
    }

    /// Every symbol of that name; positions count them from 1.
    pub fn named(&self, name: &str) -> &[Definition] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The functions whose ENDBR goes when the module is loaded: each entry of the section is relocated
/// to the distance from itself to one of them.
fn sealed_functions(module: &Module) -> HashSet<(u16, u64)> {
    let entries = module
        .relocations
        .iter()
        .filter(|relocation| module.sections[relocation.target].name == ENDBR_SEAL);
    entries
        .map(|entry| {
            let symbol: &Symbol = &module.symbols[entry.symbol];
            let place = symbol.value.wrapping_add_signed(entry.addend);
            (symbol.shndx, place)
        })
        .collect()
}
