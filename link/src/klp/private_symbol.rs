// SPDX-License-Identifier: GPL-2.0
//! The name of a private symbol, `.klp.sym.<object>.<name>,<sympos>`.

use std::fmt;

/// `KLP_SYM_PREFIX` of `include/linux/livepatch_external.h`.
const PREFIX: &str = ".klp.sym.";

/// The longest object name that `klp_resolve_symbols()` reads, `%55[^.]`.
const OBJECT_MAX: usize = 55;

/// The longest symbol name, `KSYM_NAME_LEN - 1`; `klp_resolve_symbols()` reads `%511[^,]`.
const NAME_MAX: usize = 511;

/// A symbol that the kernel does not export and resolves by name while the module loads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PrivateSymbol {
    /// `vmlinux` or the name of a module.
    pub object: String,
    /// The name as kallsyms has it.
    pub name: String,
    /// 0: the name is unique; else which one of that name, counted from 1 in address order.
    pub sympos: u64,
}

impl PrivateSymbol {
    /// Whether `symbol` claims to be private; it may still be malformed.
    pub fn is_private(symbol: &str) -> bool {
        symbol.starts_with(PREFIX)
    }

    /// Takes a name apart as the kernel's `sscanf()` does, but accepts nothing that it would cut
    /// off.
    pub fn parse(symbol: &str) -> Result<Self, &'static str> {
        let rest = symbol
            .strip_prefix(PREFIX)
            .ok_or("it does not start with .klp.sym.")?;
        let (object, rest) = rest
            .split_once('.')
            .ok_or("no dot follows the object's name")?;
        let (name, sympos) = rest
            .split_once(',')
            .ok_or("no comma and position follow the name")?;

        if object.is_empty() {
            return Err("the object's name is empty");
        }
        if object.len() > OBJECT_MAX {
            return Err("the object's name is longer than 55 bytes");
        }
        if name.is_empty() {
            return Err("the symbol's name is empty");
        }
        if name.len() > NAME_MAX {
            return Err("the symbol's name is longer than 511 bytes");
        }
        if sympos.is_empty() || !sympos.bytes().all(|b| b.is_ascii_digit()) {
            return Err("the position after the comma is not a decimal number");
        }
        let sympos = sympos
            .parse()
            .map_err(|_| "the position after the comma is too large")?;

        Ok(Self {
            object: object.to_owned(),
            name: name.to_owned(),
            sympos,
        })
    }

    /// Whether the symbol is part of the kernel image.
    pub fn in_vmlinux(&self) -> bool {
        self.object == "vmlinux"
    }
}

impl fmt::Display for PrivateSymbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            object,
            name,
            sympos,
        } = self;
        write!(f, "{PREFIX}{object}.{name},{sympos}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_the_kernel_parses() {
        let symbol = PrivateSymbol::parse(".klp.sym.vmlinux.foo.isra.0,2").unwrap();
        assert_eq!(symbol.object, "vmlinux");
        assert_eq!(symbol.name, "foo.isra.0");
        assert_eq!(symbol.sympos, 2);
        assert_eq!(symbol.to_string(), ".klp.sym.vmlinux.foo.isra.0,2");
    }

    #[test]
    fn names_what_is_wrong() {
        let long_name = format!(".klp.sym.vmlinux.{},0", "x".repeat(512));
        let long_object = format!(".klp.sym.{}.x,0", "o".repeat(56));
        for (symbol, words) in [
            (".klp.sym.vmlinux", "no dot"),
            (".klp.sym..foo,0", "object's name is empty"),
            (".klp.sym.vmlinux.foo", "no comma"),
            (".klp.sym.vmlinux.,0", "symbol's name is empty"),
            (".klp.sym.vmlinux.foo,", "not a decimal"),
            (".klp.sym.vmlinux.foo,-1", "not a decimal"),
            (".klp.sym.vmlinux.foo,1x", "not a decimal"),
            (".klp.sym.vmlinux.foo,1,2", "not a decimal"),
            (".klp.sym.vmlinux.foo,99999999999999999999", "too large"),
            (&long_name, "longer than 511"),
            (&long_object, "longer than 55"),
        ] {
            let error = PrivateSymbol::parse(symbol).unwrap_err();
            assert!(error.contains(words), "{symbol}: {error}");
        }
    }

    #[test]
    fn accepts_the_longest_names() {
        let symbol = format!(".klp.sym.{}.{},0", "o".repeat(55), "x".repeat(511));
        assert!(PrivateSymbol::parse(&symbol).is_ok());
    }
}
