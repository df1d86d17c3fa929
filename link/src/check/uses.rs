// SPDX-License-Identifier: GPL-2.0
//! How a module uses private symbols.

use crate::arch;
use crate::klp::private_symbol::PrivateSymbol;
use crate::klp::SHN_LIVEPATCH;
use crate::module::{Module, Relocation};
use crate::problem::{Place, Problem};
use crate::relocation::{forbidden_section, late_section, Use};
use std::collections::{BTreeMap, HashSet};

/// The places where one private symbol is used, the first of each sort.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) branch: Option<Place>,
    pub(super) address: Option<Place>,
}

/// Whether a symbol is private, be it before or after the edit.
pub(super) fn is_private(module: &Module, index: usize) -> bool {
    let symbol = &module.symbols[index];
    PrivateSymbol::is_private(&symbol.name)
        && (symbol.is_undefined() || symbol.shndx == SHN_LIVEPATCH)
}

/// Collects how private symbols are used and refuses what cannot be moved.
pub(super) fn check(
    module: &Module,
    data: &[u8],
    problems: &mut Vec<Problem>,
) -> BTreeMap<usize, Uses> {
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
        if let Some(why) = forbidden(&section.name, &symbol.name) {
            if refused.insert((relocation.target, relocation.symbol)) {
                problems.push(Problem::ForbiddenSection {
                    symbol: symbol.name.clone(),
                    place,
                    why,
                });
            }
            continue;
        }
        if !is_empty(module, relocation, data) {
            problems.push(Problem::NotZero {
                symbol: symbol.name.clone(),
                place: place.clone(),
            });
        }
        let uses = uses.entry(relocation.symbol).or_default();
        match arch::usage(relocation.r_type, section.is_code()) {
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

/// Why the symbol may not be used in this section, if so.
fn forbidden(section: &str, symbol: &str) -> Option<&'static str> {
    let of_module = PrivateSymbol::parse(symbol).is_ok_and(|private| !private.in_vmlinux());
    forbidden_section(section).or_else(|| of_module.then(|| late_section(section)).flatten())
}

/// Whether the relocated place is zero, which `apply_relocate_add()` insists on.
fn is_empty(module: &Module, relocation: &Relocation, data: &[u8]) -> bool {
    let bytes = data.get(module.sections[relocation.target].bytes.clone());
    let place = usize::try_from(relocation.place).ok();
    let place = place.and_then(|place| bytes?.get(place..)?.get(..arch::size(relocation.r_type)));
    place.is_some_and(|place| place.iter().all(|&byte| byte == 0))
}
