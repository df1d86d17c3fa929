// SPDX-License-Identifier: GPL-2.0
//! The symbols inside the kernel image: `System.map`, or `/proc/kallsyms` of a booted kernel.

use anyhow::{ensure, Context, Result};
use std::collections::HashMap;
use std::ops::Range;

/// One symbol of the kernel image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelSymbol {
    pub address: u64,
    /// The letter of `nm`.
    kind: u8,
}

impl KernelSymbol {
    /// Whether it is a function; a weak one is `W`, weak data are `V`.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, b't' | b'T' | b'w' | b'W')
    }
}

/// All symbols of the kernel image by name, in address order.
#[derive(Debug)]
pub struct KernelSymbols {
    by_name: HashMap<String, Vec<KernelSymbol>>,
    /// `__init_begin` to `__init_end`, whose memory is given back after boot.
    init: Range<u64>,
    /// The template of the per-CPU variables lies amid the init memory; the variables stay.
    percpu: Range<u64>,
}

impl KernelSymbols {
    /// Reads lines `address kind name`; those of modules in `/proc/kallsyms` end in `[module]`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut by_name: HashMap<String, Vec<KernelSymbol>> = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split_ascii_whitespace();
            let (Some(address), Some(kind), Some(name)) =
                (words.next(), words.next(), words.next())
            else {
                anyhow::bail!("line {} is not `address kind name`", number + 1);
            };
            if words.next().is_some() {
                continue;
            }
            let address = u64::from_str_radix(address, 16)
                .with_context(|| format!("line {}: bad address", number + 1))?;
            let symbol = KernelSymbol {
                address,
                kind: kind.as_bytes()[0],
            };
            by_name.entry(name.to_owned()).or_default().push(symbol);
        }
        for symbols in by_name.values_mut() {
            symbols.sort_by_key(|s| s.address);
        }

        let only = |name: &str| by_name.get(name).map(|s| s[0].address);
        ensure!(
            only("_text").or(only("_stext")).is_some(),
            "it has no symbol _text or _stext, so it is not the map of a kernel \
             (distributions ship a placeholder; /proc/kallsyms of the booted kernel will do)"
        );
        ensure!(
            by_name.values().flatten().any(|s| s.address != 0),
            "all addresses are zero: read /proc/kallsyms as root with kernel.kptr_restrict=0"
        );
        let range = |begin, end| match (only(begin), only(end)) {
            (Some(begin), Some(end)) => begin..end,
            _ => 0..0,
        };
        Ok(Self {
            init: range("__init_begin", "__init_end"),
            percpu: range("__per_cpu_start", "__per_cpu_end"),
            by_name,
        })
    }

    /// Every symbol of that name in address order; sympos counts them from 1.
    pub fn named(&self, name: &str) -> &[KernelSymbol] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether the symbol is gone once the kernel has booted.
    pub fn is_init(&self, symbol: &KernelSymbol) -> bool {
        self.init.contains(&symbol.address) && !self.percpu.contains(&symbol.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
ffffffff81000000 T _text
ffffffff81000300 t twice
ffffffff81000100 t twice
ffffffff82000000 D datum
ffffffff83000000 D __init_begin
ffffffff83000010 t early
ffffffff83001000 D __init_end
ffffffffc0000000 t twice\t[mod]
";

    #[test]
    fn counts_in_address_order_and_leaves_modules_out() {
        let symbols = KernelSymbols::parse(MAP).unwrap();
        let addresses: Vec<_> = symbols.named("twice").iter().map(|s| s.address).collect();
        assert_eq!(addresses, [0xffff_ffff_8100_0100, 0xffff_ffff_8100_0300]);
        assert!(symbols.named("twice")[0].is_text());
        assert!(!symbols.named("datum")[0].is_text());
        assert!(symbols.is_init(&symbols.named("early")[0]));
        assert!(!symbols.is_init(&symbols.named("datum")[0]));
        assert!(symbols.named("nothing").is_empty());
    }

    #[test]
    fn refuses_placeholders_and_hidden_addresses() {
        let placeholder = "ffffffffffffffff B The real System.map is elsewhere\n";
        let error = KernelSymbols::parse(placeholder).unwrap_err();
        assert!(error.to_string().contains("placeholder"), "{error}");

        let error = KernelSymbols::parse("0000000000000000 T _text\n").unwrap_err();
        assert!(error.to_string().contains("kptr_restrict"), "{error}");
    }
}
