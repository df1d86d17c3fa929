// SPDX-License-Identifier: GPL-2.0
//! A finished kernel module as read from its file.

use crate::arch;
use crate::klp::SHF_RELA_LIVEPATCH;
use anyhow::{bail, ensure, Context, Result};
use object::elf::{self, FileHeader64, SectionHeader64, Sym64};
use object::endian::LittleEndian as Le;
use object::read::elf::{FileHeader, Rela, SectionHeader, Sym};
use std::ops::Range;

/// What `scripts/sign-file` puts at the end of a signed module.
const SIGNATURE_MARK: &[u8] = b"~Module signature appended~\n";

/// One section of the module.
#[derive(Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its type, `SHT_…`.
    pub sh_type: u32,
    /// Its flags, `SHF_…`.
    pub sh_flags: u64,
    /// Where its contents are in the file; empty for NOBITS.
    pub bytes: Range<usize>,
}

impl Section {
    /// Whether the section is part of the loaded module.
    pub fn is_allocated(&self) -> bool {
        self.sh_flags & u64::from(elf::SHF_ALLOC) != 0
    }

    /// Whether the loader gives its memory back once the module has started:
    /// `module_init_layout_section()`.
    pub fn is_init(&self) -> bool {
        self.name.starts_with(".init")
    }

    /// Whether the section holds instructions.
    pub fn is_code(&self) -> bool {
        self.sh_flags & u64::from(elf::SHF_EXECINSTR) != 0
    }
}

/// One symbol of the module.
#[derive(Debug)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// The section it is defined in, or `SHN_…`.
    pub shndx: u16,
    /// In a module, the offset in its section.
    pub value: u64,
    /// Whether it may stay undefined.
    pub weak: bool,
    /// Where its `Elf64_Sym` is in the file.
    pub offset: usize,
}

impl Symbol {
    /// Whether the loader has to find it elsewhere.
    pub fn is_undefined(&self) -> bool {
        self.shndx == elf::SHN_UNDEF
    }
}

/// One relocation of the module.
#[derive(Debug)]
pub struct Relocation {
    /// Index of the section that is relocated.
    pub target: usize,
    /// Whether the section it is in is marked as livepatch's.
    pub livepatch: bool,
    /// Where its `Elf64_Rela` is in the file.
    pub offset: usize,
    /// Which place in the target section.
    pub place: u64,
    /// Index of the symbol it puts there.
    pub symbol: usize,
    /// Its type, `R_X86_64_…`.
    pub r_type: u32,
    /// What is added to the symbol's address.
    pub addend: i64,
}

/// A module's sections, symbols, relocations and modinfo.
#[derive(Debug)]
pub struct Module {
    /// In the order of the file; the first is the null section.
    pub sections: Vec<Section>,
    /// In the order of the file; the first is the null symbol.
    pub symbols: Vec<Symbol>,
    /// Of all sections.
    pub relocations: Vec<Relocation>,
    /// Index of the symbol table's section.
    pub symtab: usize,
    /// `key=value` strings of `.modinfo`.
    modinfo: Vec<String>,
}

impl Module {
    /// Reads a module that is to be edited; an error means that it is none, or signed.
    pub fn parse(data: &[u8]) -> Result<Self> {
        ensure!(
            !data.ends_with(SIGNATURE_MARK),
            "the module is signed already; sign it after this step"
        );
        Self::parse_any(data)
    }

    /// Reads a module; an error means that the file is not one.
    pub fn parse_any(data: &[u8]) -> Result<Self> {
        let header = FileHeader64::<Le>::parse(data).context("not a 64-bit ELF file")?;
        ensure!(
            header.e_ident.data == elf::ELFDATA2LSB
                && header.e_machine(Le) == arch::MACHINE
                && header.e_type(Le) == elf::ET_REL,
            "not a relocatable ELF file for {}",
            arch::NAME
        );

        let table = header.sections(Le, data).context("bad section headers")?;
        let mut sections = Vec::with_capacity(table.len());
        for section in table.iter() {
            sections.push(read_section(section, &table, data)?);
        }
        ensure!(
            sections
                .iter()
                .any(|s| s.name == ".gnu.linkonce.this_module"),
            "not a finished kernel module: no section .gnu.linkonce.this_module"
        );

        let symtab = table
            .symbols(Le, data, elf::SHT_SYMTAB)
            .context("bad symbol table")?;
        ensure!(!symtab.is_empty(), "no symbol table");
        let base = sections[symtab.section().0].bytes.start;
        let mut symbols = Vec::with_capacity(symtab.len());
        for (index, symbol) in symtab.iter().enumerate() {
            symbols.push(read_symbol(symbol, &symtab, base, index)?);
        }

        let mut relocations = Vec::new();
        for section in table.iter() {
            if section.sh_type(Le) == elf::SHT_REL {
                bail!("a section of type REL, which {} does not use", arch::NAME);
            }
            let Some((entries, link)) = section.rela(Le, data).context("bad relocations")? else {
                continue;
            };
            ensure!(
                link == symtab.section(),
                "relocations for another symbol table"
            );
            let (base, _) = section.file_range(Le).unwrap_or_default();
            let target = section.sh_info(Le) as usize;
            ensure!(
                target < sections.len(),
                "relocations for a section that does not exist"
            );
            for (index, rela) in entries.iter().enumerate() {
                let symbol = rela.r_sym(Le, false) as usize;
                ensure!(
                    symbol < symbols.len(),
                    "a relocation to a symbol that does not exist"
                );
                relocations.push(Relocation {
                    target,
                    livepatch: section.sh_flags(Le) & SHF_RELA_LIVEPATCH != 0,
                    offset: base as usize + index * size_of_val(rela),
                    place: rela.r_offset(Le),
                    symbol,
                    r_type: rela.r_type(Le, false),
                    addend: rela.r_addend(Le),
                });
            }
        }

        Ok(Self {
            modinfo: read_modinfo(&sections, data),
            symtab: symtab.section().0,
            sections,
            symbols,
            relocations,
        })
    }

    /// All values of a key in `.modinfo`.
    pub fn modinfo<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.modinfo
            .iter()
            .filter_map(move |entry| entry.strip_prefix(key)?.strip_prefix('='))
    }

    /// Whether the loader keeps what livepatch needs to apply relocations later.
    pub fn is_livepatch(&self) -> bool {
        self.modinfo("livepatch").next().is_some()
    }

    /// The contents of a section from a symbol's place to the section's end.
    pub fn bytes_at<'a>(&self, symbol: &Symbol, data: &'a [u8]) -> Option<&'a [u8]> {
        let section = self.sections.get(usize::from(symbol.shndx))?;
        let value = usize::try_from(symbol.value).ok()?;
        data.get(section.bytes.clone())?.get(value..)
    }

    /// The module's name as `/proc/modules` will show it.
    pub fn name(&self) -> &str {
        self.modinfo("name").next().unwrap_or("?")
    }

    /// Whether GPL-only symbols are open to it: `license_is_gpl_compatible()` in
    /// `include/linux/license.h`; without any license the loader takes it as proprietary.
    pub fn is_gpl_compatible(&self) -> bool {
        matches!(
            self.modinfo("license").next(),
            Some(
                "GPL"
                    | "GPL v2"
                    | "GPL and additional rights"
                    | "Dual BSD/GPL"
                    | "Dual MIT/GPL"
                    | "Dual MPL/GPL"
            )
        )
    }
}

type Table<'data> = object::read::elf::SectionTable<'data, FileHeader64<Le>>;
type Symtab<'data> = object::read::elf::SymbolTable<'data, FileHeader64<Le>>;

fn read_section(section: &SectionHeader64<Le>, table: &Table<'_>, data: &[u8]) -> Result<Section> {
    let name = table
        .section_name(Le, section)
        .context("bad section name")?;
    let bytes = match section.file_range(Le) {
        Some((offset, size)) => {
            section
                .data(Le, data)
                .context("a section outside the file")?;
            offset as usize..(offset + size) as usize
        }
        None => 0..0,
    };
    Ok(Section {
        name: String::from_utf8_lossy(name).into_owned(),
        sh_type: section.sh_type(Le),
        sh_flags: section.sh_flags(Le),
        bytes,
    })
}

fn read_symbol(
    symbol: &Sym64<Le>,
    symtab: &Symtab<'_>,
    base: usize,
    index: usize,
) -> Result<Symbol> {
    let name = symtab.symbol_name(Le, symbol).context("bad symbol name")?;
    Ok(Symbol {
        name: String::from_utf8_lossy(name).into_owned(),
        shndx: symbol.st_shndx(Le),
        value: symbol.st_value(Le),
        weak: symbol.st_bind() == elf::STB_WEAK,
        offset: base + index * size_of_val(symbol),
    })
}

fn read_modinfo(sections: &[Section], data: &[u8]) -> Vec<String> {
    sections
        .iter()
        .filter(|s| s.name == ".modinfo")
        .flat_map(|s| data[s.bytes.clone()].split(|&b| b == 0))
        .filter(|entry| !entry.is_empty())
        .map(|entry| String::from_utf8_lossy(entry).into_owned())
        .collect()
}
