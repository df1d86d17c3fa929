// SPDX-License-Identifier: GPL-2.0
//! Whether a module would load, and be safe once loaded.

mod uses;

use self::uses::{is_private, Uses};
use crate::arch::IGNORED_SYMBOL;
use crate::definition::{Definition, Landing};
use crate::exports::Exports;
use crate::kernel_symbols::KernelSymbols;
use crate::klp::private_symbol::PrivateSymbol;
use crate::module::Module;
use crate::modules::Modules;
use crate::problem::Problem;
use std::collections::HashSet;

/// What modules are checked against.
#[derive(Debug, Default)]
pub struct Checker {
    /// What ordinary undefined symbols may name.
    pub exports: Exports,
    /// Without it, names and kinds of private symbols are only seen when the module loads.
    pub kernel: Option<KernelSymbols>,
    /// The same for private symbols of modules.
    pub modules: Modules,
    /// Private functions whose address may be taken, since it is never called.
    pub addresses_allowed: HashSet<String>,
}

impl Checker {
    /// Lists every problem of a module; empty means that it is fine.
    pub fn check(&self, module: &Module, data: &[u8]) -> Vec<Problem> {
        let mut problems = self.check_undefined(module);
        let uses = uses::check(module, data, &mut problems);
        for (index, symbol) in module.symbols.iter().enumerate() {
            if !is_private(module, index) {
                continue;
            }
            match PrivateSymbol::parse(&symbol.name) {
                Ok(private) => {
                    let default = Uses::default();
                    let uses = uses.get(&index).unwrap_or(&default);
                    if !private.in_vmlinux() && !module.is_livepatch() {
                        problems.push(Problem::NotLivepatch {
                            symbol: symbol.name.clone(),
                        });
                    }
                    self.check_private(&private, uses, &mut problems);
                }
                Err(why) => problems.push(Problem::Malformed {
                    symbol: symbol.name.clone(),
                    why,
                }),
            }
        }
        problems
    }

    /// Ordinary undefined symbols: what modpost checks, had it not been told to only warn.
    fn check_undefined(&self, module: &Module) -> Vec<Problem> {
        let mut problems = Vec::new();
        // Symbol 0 is the null symbol.
        for symbol in module.symbols.iter().skip(1) {
            if !symbol.is_undefined()
                || symbol.weak
                || symbol.name == IGNORED_SYMBOL
                || PrivateSymbol::is_private(&symbol.name)
            {
                continue;
            }
            let name = symbol.name.clone();
            let Some(export) = self.exports.get(&name) else {
                problems.push(Problem::NotExported { symbol: name });
                continue;
            };
            if export.gpl_only && !module.is_gpl_compatible() {
                problems.push(Problem::GplOnly {
                    symbol: name.clone(),
                    owner: export.owner.clone(),
                });
            }
            if !export.namespace_open_to(module) {
                problems.push(Problem::Namespace {
                    symbol: name,
                    owner: export.owner.clone(),
                    namespace: export.namespace.clone(),
                });
            }
        }
        problems
    }

    /// One private symbol against the object that has it.
    fn check_private(&self, private: &PrivateSymbol, uses: &Uses, problems: &mut Vec<Problem>) {
        let symbol = private.to_string();
        match self.definitions(private) {
            Ok(Some(named)) => match choose(&named, private) {
                Ok(found) => self.check_found(private, found, uses, problems),
                Err(problem) => problems.push(problem),
            },
            Ok(None) => self.check_unknown(private, uses, problems),
            Err(error) => problems.push(Problem::Unreadable {
                symbol,
                object: private.object.clone(),
                why: format!("{error:#}"),
            }),
        }
    }

    /// All symbols of the name; nothing if nobody knows the object's.
    fn definitions(&self, private: &PrivateSymbol) -> anyhow::Result<Option<Vec<Definition>>> {
        if private.in_vmlinux() {
            return Ok(self.kernel.as_ref().map(|k| k.named(&private.name)));
        }
        let symbols = self.modules.symbols(&private.object)?;
        Ok(symbols.map(|symbols| symbols.named(&private.name).to_vec()))
    }

    fn check_found(
        &self,
        private: &PrivateSymbol,
        found: Definition,
        uses: &Uses,
        problems: &mut Vec<Problem>,
    ) {
        let symbol = private.to_string();
        if found.init {
            problems.push(Problem::Init {
                symbol: symbol.clone(),
            });
        }
        match (found.text, &uses.branch, &uses.address) {
            (false, Some(place), _) => problems.push(Problem::CallOfData {
                symbol,
                place: place.clone(),
            }),
            (true, _, Some(place)) if !self.addresses_allowed.contains(&private.name) => {
                let why = match found.landing {
                    Landing::Kept => return,
                    Landing::Sealed => "it is a function without ENDBR",
                    Landing::Unknown => "it is a function, and may be without ENDBR",
                };
                problems.push(Problem::FunctionAddress {
                    symbol,
                    place: place.clone(),
                    why,
                });
            }
            _ => {}
        }
    }

    /// What can be said without the symbols of the object.
    fn check_unknown(&self, private: &PrivateSymbol, uses: &Uses, problems: &mut Vec<Problem>) {
        let Some(place) = &uses.address else {
            return;
        };
        let why = match (private.in_vmlinux(), &uses.branch) {
            // What is called is a function.
            (_, Some(_)) => {
                "it is a function, being called elsewhere in the module, and may be without ENDBR"
            }
            (true, None) => return,
            (false, None) => {
                "the module that has it is in none of the folders given (--modules), so it may be \
                 a function without ENDBR"
            }
        };
        if !self.addresses_allowed.contains(&private.name) {
            problems.push(Problem::FunctionAddress {
                symbol: private.to_string(),
                place: place.clone(),
                why,
            });
        }
    }
}

/// The symbol that the position means.
fn choose(named: &[Definition], private: &PrivateSymbol) -> Result<Definition, Problem> {
    let (symbol, count) = (private.to_string(), named.len());
    match (named, private.sympos) {
        ([], _) => Err(Problem::NotThere {
            symbol,
            object: private.object.clone(),
            name: private.name.clone(),
        }),
        ([only], 0) => Ok(*only),
        (_, 0) => Err(Problem::Ambiguous { symbol, count }),
        (_, position) => usize::try_from(position - 1)
            .ok()
            .and_then(|index| named.get(index).copied())
            .ok_or(Problem::NoSuchPosition { symbol, count }),
    }
}
