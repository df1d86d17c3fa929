// SPDX-License-Identifier: GPL-2.0
//! The symbols inside the kernel image.

use crate::definition::{Definition, Landing};
use anyhow::{bail, ensure, Context, Result};
use std::collections::HashMap;
use std::ops::Range;

/// One symbol of the kernel image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelSymbol {
    /// Where it is; only the order and the ranges count.
    pub address: u64,
    /// Whether a pointer to it may be called.
    pub landing: Landing,
}

/// All symbols of the kernel image by name, in address order.
#[derive(Debug)]
pub struct KernelSymbols {
    by_name: HashMap<String, Vec<KernelSymbol>>,
    /// Functions. The letter of `nm` does not tell them from data: where the linker made a data
    /// section executable, as on x86 since the entry code has data in it, data are `T` too.
    text: [Range<u64>; 2],
    /// Memory that is given back after boot.
    init: Range<u64>,
    /// The template of the per-CPU variables lies amid the init memory; the variables stay.
    percpu: Range<u64>,
}

impl KernelSymbols {
    /// Takes symbols in the order of kallsyms, which sympos counts in.
    pub fn new(symbols: impl IntoIterator<Item = (String, KernelSymbol)>) -> Result<Self> {
        let mut by_name: HashMap<String, Vec<KernelSymbol>> = HashMap::new();
        for (name, symbol) in symbols {
            by_name.entry(name).or_default().push(symbol);
        }
        for symbols in by_name.values_mut() {
            symbols.sort_by_key(|symbol| symbol.address);
        }
        let only = |name: &str| by_name.get(name).map(|symbols| symbols[0].address);
        let range = |begin, end| match (only(begin), only(end)) {
            (Some(begin), Some(end)) => begin..end,
            _ => 0..0,
        };
        let text = range("_stext", "_etext");
        ensure!(
            only("_etext").is_some(),
            "it lacks the symbol _etext, so it is not the map of a kernel (some distributions \
             ship a placeholder for System.map)"
        );
        ensure!(
            !text.is_empty(),
            "its addresses are hidden: read /proc/kallsyms as root with kernel.kptr_restrict=0"
        );
        Ok(Self {
            text: [text, range("_sinittext", "_einittext")],
            init: range("__init_begin", "__init_end"),
            percpu: range("__per_cpu_start", "__per_cpu_end"),
            by_name,
        })
    }

    /// Reads a `System.map` or the `/proc/kallsyms` of a booted kernel: lines `address kind name`,
    /// which for symbols of modules end in `[module]`.
    pub fn parse_map(text: &str) -> Result<Self> {
        let mut symbols = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            let [address, _kind, name] = words[..] else {
                if words.len() > 3 {
                    continue;
                }
                bail!("line {} is not `address kind name`", number + 1);
            };
            let address = u64::from_str_radix(address, 16)
                .with_context(|| format!("line {}: bad address", number + 1))?;
            let landing = Landing::Unknown;
            symbols.push((name.to_owned(), KernelSymbol { address, landing }));
        }
        Self::new(symbols)
    }

    /// Every symbol of that name in address order; sympos counts them from 1.
    pub fn named(&self, name: &str) -> Vec<Definition> {
        let symbols = self.by_name.get(name).into_iter().flatten();
        symbols
            .map(|symbol| Definition {
                text: self.is_text(symbol),
                init: self.is_init(symbol),
                landing: symbol.landing,
            })
            .collect()
    }

    fn is_text(&self, symbol: &KernelSymbol) -> bool {
        self.text.iter().any(|text| text.contains(&symbol.address))
    }

    fn is_init(&self, symbol: &KernelSymbol) -> bool {
        self.init.contains(&symbol.address) && !self.percpu.contains(&symbol.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
ffffffff81000000 T _stext
ffffffff81000300 t twice
ffffffff81000100 t twice
ffffffff81001000 T _etext
ffffffff82000000 T datum
ffffffff83000000 D __init_begin
ffffffff83000010 t early
ffffffff83000100 D __per_cpu_start
ffffffff83000110 D runqueues
ffffffff83000200 D __per_cpu_end
ffffffff83001000 D __init_end
ffffffffc0000000 t twice\t[mod]
";

    #[test]
    fn counts_in_address_order_and_leaves_modules_out() {
        let symbols = KernelSymbols::parse_map(MAP).unwrap();
        let addresses: Vec<_> = symbols.by_name["twice"].iter().map(|s| s.address).collect();
        assert_eq!(addresses, [0xffff_ffff_8100_0100, 0xffff_ffff_8100_0300]);
        assert!(symbols.named("nothing").is_empty());
    }

    #[test]
    fn tells_functions_and_init_memory_by_address() {
        let symbols = KernelSymbols::parse_map(MAP).unwrap();
        let only = |name| symbols.named(name)[0];
        assert!(only("twice").text);
        assert!(!only("datum").text);
        assert!(only("early").init);
        assert!(!only("datum").init);
        assert!(!only("runqueues").init);
    }

    #[test]
    fn refuses_placeholders_and_hidden_addresses() {
        for (map, words) in [
            (
                "ffffffffffffffff B The real map is elsewhere\n",
                "placeholder",
            ),
            (
                "0000000000000000 T _stext\n0000000000000000 T _etext\n",
                "kptr_restrict",
            ),
            ("nothing\n", "line 1 is not"),
            ("x T _text\n", "line 1: bad address"),
        ] {
            let error = KernelSymbols::parse_map(map).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
