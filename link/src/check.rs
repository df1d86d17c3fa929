// SPDX-License-Identifier: GPL-2.0
//! Whether a module would load, and be safe once loaded.

use crate::exports::Exports;
use crate::kernel_symbols::{KernelSymbols, Landing};
use crate::module::{Module, SHN_LIVEPATCH};
use crate::private_symbol::PrivateSymbol;
use crate::problem::{Place, Problem};
use crate::relocation::{forbidden_section, Use};
use std::collections::{BTreeMap, HashSet};

/// The one undefined symbol that `ignore_undef_symbol()` of the loader lets pass on x86-64.
const IGNORED: &str = "_GLOBAL_OFFSET_TABLE_";

/// What modules are checked against.
#[derive(Debug, Default)]
pub struct Checker {
    /// What ordinary undefined symbols may name.
    pub exports: Exports,
    /// Without it, names and kinds of private symbols are only seen when the module loads.
    pub kernel: Option<KernelSymbols>,
    /// Private functions whose address may be taken, since it is never called.
    pub addresses_allowed: HashSet<String>,
}

/// The places where one private symbol is used, the first of each sort.
#[derive(Default)]
struct Uses {
    branch: Option<Place>,
    address: Option<Place>,
}

impl Checker {
    /// Lists every problem of a module; empty means that it is fine.
    pub fn check(&self, module: &Module) -> Vec<Problem> {
        let mut problems = self.check_undefined(module);
        let uses = check_uses(module, &mut problems);
        for (index, symbol) in module.symbols.iter().enumerate() {
            if !is_private(module, index) {
                continue;
            }
            match PrivateSymbol::parse(&symbol.name) {
                Ok(private) => {
                    let default = Uses::default();
                    let uses = uses.get(&index).unwrap_or(&default);
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
                || symbol.name == IGNORED
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

    /// One private symbol against the kernel image.
    fn check_private(&self, private: &PrivateSymbol, uses: &Uses, problems: &mut Vec<Problem>) {
        let symbol = private.to_string();
        if !private.in_vmlinux() {
            problems.push(Problem::OfModule {
                symbol,
                object: private.object.clone(),
            });
            return;
        }
        let address_allowed = self.addresses_allowed.contains(&private.name);

        let Some(kernel) = &self.kernel else {
            // The one thing known without the kernel's symbols: what is called is a function.
            if let (Some(place), Some(_), false) = (&uses.address, &uses.branch, address_allowed) {
                problems.push(Problem::FunctionAddress {
                    symbol,
                    place: place.clone(),
                    why: "it is a function, being called elsewhere in the module, and may be without ENDBR",
                });
            }
            return;
        };

        let named = kernel.named(&private.name);
        let count = named.len();
        let found = match (count, private.sympos) {
            (0, _) => Err(Problem::NotInKernel {
                symbol: symbol.clone(),
                name: private.name.clone(),
            }),
            (1, 0) => Ok(named[0]),
            (_, 0) => Err(Problem::Ambiguous {
                symbol: symbol.clone(),
                count,
            }),
            (_, position) => usize::try_from(position - 1)
                .ok()
                .and_then(|index| named.get(index).copied())
                .ok_or(Problem::NoSuchPosition {
                    symbol: symbol.clone(),
                    count,
                }),
        };
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                return;
            }
        };

        if kernel.is_init(&found) {
            problems.push(Problem::Init {
                symbol: symbol.clone(),
            });
        }
        match (kernel.is_text(&found), &uses.branch, &uses.address) {
            (false, Some(place), _) => problems.push(Problem::CallOfData {
                symbol,
                place: place.clone(),
            }),
            (true, _, Some(place)) if !address_allowed => {
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
}

/// Whether a symbol is private, be it before or after the edit.
fn is_private(module: &Module, index: usize) -> bool {
    let symbol = &module.symbols[index];
    PrivateSymbol::is_private(&symbol.name)
        && (symbol.is_undefined() || symbol.shndx == SHN_LIVEPATCH)
}

/// Collects how private symbols are used and refuses what cannot be moved.
fn check_uses(module: &Module, problems: &mut Vec<Problem>) -> BTreeMap<usize, Uses> {
    let mut uses: BTreeMap<usize, Uses> = BTreeMap::new();
    let mut refused = HashSet::new();
    let unresolved = module
        .symbols
        .iter()
        .enumerate()
        .any(|(index, symbol)| is_private(module, index) && symbol.is_undefined());

    for relocation in &module.relocations {
        let section = &module.sections[relocation.target];
        if unresolved && relocation.livepatch {
            if refused.insert((relocation.target, 0)) {
                problems.push(Problem::AlreadyLivepatch {
                    section: section.name.clone(),
                });
            }
            continue;
        }
        // The loader leaves relocations of debug information and the like alone.
        if !is_private(module, relocation.symbol) || !section.is_allocated() {
            continue;
        }

        let symbol = &module.symbols[relocation.symbol];
        let place = Place {
            section: section.name.clone(),
            offset: relocation.place,
        };
        if let Some(why) = forbidden_section(&section.name) {
            if refused.insert((relocation.target, relocation.symbol)) {
                problems.push(Problem::ForbiddenSection {
                    symbol: symbol.name.clone(),
                    place,
                    why,
                });
            }
            continue;
        }
        let uses = uses.entry(relocation.symbol).or_default();
        match Use::of(relocation.r_type, section.is_code()) {
            Some(Use::Branch) => _ = uses.branch.get_or_insert(place),
            Some(Use::Address) => _ = uses.address.get_or_insert(place),
            None => problems.push(Problem::UnsupportedRelocation {
                symbol: symbol.name.clone(),
                place,
                r_type: relocation.r_type,
            }),
        }
    }
    uses
}
