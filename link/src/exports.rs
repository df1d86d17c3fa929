// SPDX-License-Identifier: GPL-2.0
//! The symbols that the kernel and other modules export.

use crate::module::{Module, Symbol};
use anyhow::{Context, Result};
use std::collections::HashMap;

/// A flag of an export, `include/linux/module_symbol.h`.
const KSYM_FLAG_GPL_ONLY: u8 = 1 << 0;

/// One exported symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// `vmlinux` or the exporting module.
    pub owner: String,
    /// Whether only modules of a GPL-compatible license may use it.
    pub gpl_only: bool,
    /// The namespace a user has to import; empty for none.
    pub namespace: String,
}

impl Export {
    /// Whether the loader lets `module` use the symbol as far as its namespace is concerned.
    ///
    /// `verify_namespace_is_imported()` and `verify_module_namespace()` in `kernel/module/main.c`:
    /// a namespace `module:a,b*` belongs to the modules it names, where `-` and `_` are the same.
    pub fn namespace_open_to(&self, module: &Module) -> bool {
        if self.namespace.is_empty() || module.modinfo("import_ns").any(|n| n == self.namespace) {
            return true;
        }
        let Some(patterns) = self.namespace.strip_prefix("module:") else {
            return false;
        };
        let name = module.name().replace('-', "_");
        patterns.split(',').any(|pattern| {
            let pattern = pattern.replace('-', "_");
            match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == pattern,
            }
        })
    }
}

/// All known exports by name.
#[derive(Debug, Default)]
pub struct Exports(HashMap<String, Export>);

impl Exports {
    /// Adds the lines of a `Module.symvers`: CRC, name, owner, kind, namespace, by tabs.
    pub fn add_symvers(&mut self, text: &str) -> Result<()> {
        for (number, line) in text.lines().enumerate() {
            let mut fields = line.split('\t');
            let parsed = (|| {
                let (_crc, name, owner, kind) = (
                    fields.next()?,
                    fields.next()?,
                    fields.next()?,
                    fields.next()?,
                );
                let gpl_only = match kind {
                    "EXPORT_SYMBOL" => false,
                    "EXPORT_SYMBOL_GPL" => true,
                    _ => return None,
                };
                let export = Export {
                    owner: owner.to_owned(),
                    gpl_only,
                    namespace: fields.next().unwrap_or_default().to_owned(),
                };
                Some((name.to_owned(), export))
            })();
            let (name, export) = parsed
                .with_context(|| format!("line {} is not one of a Module.symvers", number + 1))?;
            self.0.insert(name, export);
        }
        Ok(())
    }

    /// Adds what a built module exports.
    ///
    /// `include/linux/export-internal.h` has the symbols that make up an export `x`: its entry
    /// `__ksymtab_x`, its namespace's string at `__kstrtabns_x`, its flags' byte at `__flags_x`.
    pub fn add_module(&mut self, module: &Module, data: &[u8]) {
        let defined: HashMap<&str, &Symbol> = module
            .symbols
            .iter()
            .filter(|symbol| !symbol.is_undefined())
            .map(|symbol| (symbol.name.as_str(), symbol))
            .collect();
        let bytes = |prefix: &str, name: &str| -> &[u8] {
            defined
                .get(format!("{prefix}{name}").as_str())
                .and_then(|symbol| module.bytes_at(symbol, data))
                .unwrap_or_default()
        };
        for name in defined.keys().filter_map(|s| s.strip_prefix("__ksymtab_")) {
            let flags = bytes("__flags_", name).first().copied();
            let namespace = bytes("__kstrtabns_", name).split(|&b| b == 0).next();
            let export = Export {
                owner: module.name().to_owned(),
                gpl_only: flags.unwrap_or_default() & KSYM_FLAG_GPL_ONLY != 0,
                namespace: String::from_utf8_lossy(namespace.unwrap_or_default()).into_owned(),
            };
            self.0.insert(name.to_owned(), export);
        }
    }

    /// The export of that name, if any.
    pub fn get(&self, name: &str) -> Option<&Export> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_symvers() {
        let mut exports = Exports::default();
        exports
            .add_symvers(
                "0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n\
                 0x00000000\tmolt_add\tmolt\tEXPORT_SYMBOL_GPL\tMOLT\n",
            )
            .unwrap();
        assert!(!exports.get("printk").unwrap().gpl_only);
        let add = exports.get("molt_add").unwrap();
        assert!(add.gpl_only);
        assert_eq!(add.owner, "molt");
        assert_eq!(add.namespace, "MOLT");
        assert!(exports.get("nothing").is_none());
    }

    #[test]
    fn refuses_other_files() {
        let mut exports = Exports::default();
        let error = exports.add_symvers("ffffffff B nothing\n").unwrap_err();
        assert!(error.to_string().contains("line 1"));
    }
}
