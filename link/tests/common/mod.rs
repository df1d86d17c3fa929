// SPDX-License-Identifier: GPL-2.0
//! Makes small modules to edit.

#![allow(dead_code, reason = "each test binary uses its part")]

use object::elf;
use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionFlags, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A module in the making; it holds what every finished module does.
pub struct Ko {
    object: Object<'static>,
    sections: HashMap<&'static str, SectionId>,
    symbols: HashMap<String, SymbolId>,
}

impl Ko {
    /// A GPL module named `sample` that defines and uses nothing else.
    pub fn new() -> Self {
        Self::licensed("GPL")
    }

    /// The same under another license.
    pub fn licensed(license: &str) -> Self {
        let object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let mut ko = Self {
            object,
            sections: HashMap::new(),
            symbols: HashMap::new(),
        };
        ko.section(".gnu.linkonce.this_module", SectionKind::Data, 0x500);
        ko.section(".modinfo", SectionKind::ReadOnlyData, 0);
        ko.section(".text", SectionKind::Text, 64);
        ko.section(".init.text", SectionKind::Text, 64);
        ko.section(".data", SectionKind::Data, 64);
        ko.section(".debug_info", SectionKind::Debug, 64);
        ko.modinfo("name=sample")
            .modinfo(&format!("license={license}"))
    }

    /// Adds a section of zeros.
    pub fn section(&mut self, name: &'static str, kind: SectionKind, size: usize) {
        let id = self
            .object
            .add_section(Vec::new(), name.as_bytes().to_vec(), kind);
        let flags = match kind {
            SectionKind::Text => elf::SHF_ALLOC | elf::SHF_EXECINSTR,
            SectionKind::Data => elf::SHF_ALLOC | elf::SHF_WRITE,
            SectionKind::Debug => 0,
            _ => elf::SHF_ALLOC,
        };
        self.object.section_mut(id).flags = SectionFlags::Elf {
            sh_flags: u64::from(flags),
        };
        self.object.append_section_data(id, &vec![0; size], 8);
        self.sections.insert(name, id);
    }

    /// Adds a `key=value` string.
    pub fn modinfo(mut self, entry: &str) -> Self {
        let bytes = format!("{entry}\0");
        self.object
            .append_section_data(self.sections[".modinfo"], bytes.as_bytes(), 1);
        self
    }

    /// Defines a symbol in a section.
    pub fn define(mut self, name: &str, section: &str, value: u64) -> Self {
        let section = SymbolSection::Section(self.sections[section]);
        self.symbol(name, section, value, false);
        self
    }

    /// Writes to `.data`.
    pub fn data(mut self, offset: usize, bytes: &[u8]) -> Self {
        let data = self.object.section_mut(self.sections[".data"]).data_mut();
        data[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Writes to `.text`.
    pub fn code(mut self, offset: usize, bytes: &[u8]) -> Self {
        let code = self.object.section_mut(self.sections[".text"]).data_mut();
        code[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Names an undefined symbol that nothing may refer to.
    pub fn undefined(mut self, name: &str, weak: bool) -> Self {
        self.symbol(name, SymbolSection::Undefined, 0, weak);
        self
    }

    fn symbol(&mut self, name: &str, section: SymbolSection, value: u64, weak: bool) -> SymbolId {
        if let Some(&id) = self.symbols.get(name) {
            return id;
        }
        let id = self.object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: 0,
            kind: match section {
                SymbolSection::Undefined => SymbolKind::Unknown,
                _ => SymbolKind::Data,
            },
            scope: SymbolScope::Dynamic,
            weak,
            section,
            flags: SymbolFlags::None,
        });
        self.symbols.insert(name.to_owned(), id);
        id
    }

    /// Relocates a place of a section by a symbol, an undefined one if it is not defined yet, as
    /// instructions do: four bytes before what they mean.
    pub fn uses(self, section: &'static str, offset: u64, symbol: &str, r_type: u32) -> Self {
        self.relocated(section, offset, symbol, r_type, -4)
    }

    /// The same with any addend.
    pub fn relocated(
        mut self,
        section: &'static str,
        offset: u64,
        symbol: &str,
        r_type: u32,
        addend: i64,
    ) -> Self {
        if !self.sections.contains_key(section) {
            self.section(section, SectionKind::ReadOnlyData, 64);
        }
        let symbol = self.symbol(symbol, SymbolSection::Undefined, 0, false);
        self.object
            .add_relocation(
                self.sections[section],
                Relocation {
                    offset,
                    symbol,
                    addend,
                    flags: RelocationFlags::Elf { r_type },
                },
            )
            .unwrap();
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.object.write().unwrap()
    }

    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("sample.ko");
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

/// A folder with a `Module.symvers` that exports `printk` and some special cases.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let symvers = "\
0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t
0x00000000\tgpl_only\tvmlinux\tEXPORT_SYMBOL_GPL\t
0x00000000\tspaced\tspacer\tEXPORT_SYMBOL_GPL\tSPACE
0x00000000\tfor_some\tvmlinux\tEXPORT_SYMBOL_GPL\tmodule:other,sam*
0x00000000\tfor_others\tvmlinux\tEXPORT_SYMBOL_GPL\tmodule:sampler
";
    std::fs::write(folder.path().join("Module.symvers"), symvers).unwrap();
    folder
}

/// Runs `molt-link` in a folder with its `Module.symvers`.
pub fn molt_link(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_molt-link"))
        .current_dir(folder)
        .args(["--symvers", "Module.symvers"])
        .args(arguments)
        .output()
        .unwrap()
}

/// Asserts that a run was refused with these words, and that the file is as it was.
pub fn assert_refused(ko: &Ko, arguments: &[&str], words: &[&str]) {
    let folder = folder();
    let path = ko.write(folder.path());
    let mut all = arguments.to_vec();
    all.push("sample.ko");
    let output = molt_link(folder.path(), &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in: {stderr}");
    }
    assert_eq!(std::fs::read(path).unwrap(), ko.bytes(), "the file changed");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
