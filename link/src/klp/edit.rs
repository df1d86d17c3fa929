// SPDX-License-Identifier: GPL-2.0
//! The edit itself: nothing that is in the file moves.
//!
//! Symbols and relocations are changed where they are; the new sections, a longer table of
//! section names and the new table of section headers go to the end. So indices of symbols and
//! sections, alignments, notes and BTF stay what they were.

use crate::arch;
use crate::klp::private_symbol::PrivateSymbol;
use crate::klp::{SHF_RELA_LIVEPATCH, SHN_LIVEPATCH};
use crate::module::Module;
use anyhow::{ensure, Context, Result};
use object::elf::{self, FileHeader64, Rela64, SectionHeader64, Sym64};
use object::endian::{LittleEndian as Le, U16, U32, U64};
use object::pod::{bytes_of_slice, from_bytes_mut, Pod};
use object::read::elf::FileHeader;
use std::collections::BTreeMap;

/// What an edit did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many symbols were handed to livepatch.
    pub symbols: usize,
    /// How many relocations moved.
    pub relocations: usize,
    /// How many sections were made for them.
    pub sections: usize,
}

/// Hands every unresolved private symbol of a checked module to livepatch.
///
/// Returns nothing if there is none, which is so after the first time.
pub fn edit(data: &[u8], module: &Module) -> Result<Option<(Vec<u8>, Summary)>> {
    let symbols: BTreeMap<usize, PrivateSymbol> = module
        .symbols
        .iter()
        .enumerate()
        .filter(|(_, s)| s.is_undefined() && PrivateSymbol::is_private(&s.name))
        .map(|(index, s)| {
            let private = PrivateSymbol::parse(&s.name).map_err(anyhow::Error::msg)?;
            Ok((index, private))
        })
        .collect::<Result<_>>()?;
    if symbols.is_empty() {
        return Ok(None);
    }

    let mut out = data.to_vec();
    for &index in symbols.keys() {
        let symbol: &mut Sym64<Le> = at(&mut out, module.symbols[index].offset)?;
        symbol.st_shndx.set(Le, SHN_LIVEPATCH);
    }

    let moved = move_relocations(&mut out, module, &symbols)?;
    let summary = Summary {
        symbols: symbols.len(),
        relocations: moved.values().map(Vec::len).sum(),
        sections: moved.len(),
    };
    append_sections(&mut out, module, &moved)?;
    Ok(Some((out, summary)))
}

/// Name of a section of livepatch relocations, and the index of the section it relocates.
type SectionKey = (String, usize);

/// Takes the relocations of private symbols out of the ordinary ones.
///
/// The entry that stays behind has type NONE, which the loader skips, as `objtool klp post-link`
/// does it.
fn move_relocations(
    out: &mut [u8],
    module: &Module,
    symbols: &BTreeMap<usize, PrivateSymbol>,
) -> Result<BTreeMap<SectionKey, Vec<Rela64<Le>>>> {
    let mut moved: BTreeMap<SectionKey, Vec<Rela64<Le>>> = BTreeMap::new();
    for relocation in &module.relocations {
        let target = &module.sections[relocation.target];
        let Some(private) = symbols.get(&relocation.symbol) else {
            continue;
        };
        // Nobody applies relocations of sections that are not loaded; tools may still read them.
        if !target.is_allocated() {
            continue;
        }
        let entry: &mut Rela64<Le> = at(out, relocation.offset)?;
        let name = format!(".klp.rela.{}.{}", private.object, target.name);
        moved
            .entry((name, relocation.target))
            .or_default()
            .push(*entry);
        entry.r_info.set(Le, u64::from(arch::NO_RELOCATION));
        entry.r_addend.set(Le, 0);
    }
    Ok(moved)
}

/// Appends the sections of livepatch relocations and writes new section headers.
fn append_sections(
    out: &mut Vec<u8>,
    module: &Module,
    moved: &BTreeMap<SectionKey, Vec<Rela64<Le>>>,
) -> Result<()> {
    let header = FileHeader64::<Le>::parse(out.as_slice()).context("not an ELF file")?;
    let names_index = header.shstrndx(Le, out.as_slice())? as usize;
    let mut headers: Vec<SectionHeader64<Le>> =
        header.section_headers(Le, out.as_slice())?.to_vec();
    let table_start = header.e_shoff(Le) as usize;

    let mut names = out[module.sections[names_index].bytes.clone()].to_vec();
    drop_tail(out, module, names_index, table_start, headers.len());

    for ((name, target), relocations) in moved {
        let name_offset = u32::try_from(names.len())?;
        names.extend_from_slice(name.as_bytes());
        names.push(0);
        let bytes = bytes_of_slice(relocations);
        let offset = append_aligned(out, bytes);
        headers.push(SectionHeader64 {
            sh_name: U32::new(Le, name_offset),
            sh_type: U32::new(Le, elf::SHT_RELA),
            sh_flags: U64::new(
                Le,
                u64::from(elf::SHF_ALLOC | elf::SHF_INFO_LINK) | SHF_RELA_LIVEPATCH,
            ),
            sh_addr: U64::new(Le, 0),
            sh_offset: U64::new(Le, offset as u64),
            sh_size: U64::new(Le, bytes.len() as u64),
            sh_link: U32::new(Le, u32::try_from(module.symtab)?),
            sh_info: U32::new(Le, u32::try_from(*target)?),
            sh_addralign: U64::new(Le, 8),
            sh_entsize: U64::new(Le, size_of::<Rela64<Le>>() as u64),
        });
    }

    ensure!(
        headers.len() < usize::from(elf::SHN_LORESERVE),
        "too many sections"
    );
    let names_offset = append_aligned(out, &names);
    headers[names_index].sh_offset.set(Le, names_offset as u64);
    headers[names_index].sh_size.set(Le, names.len() as u64);

    let table_offset = append_aligned(out, bytes_of_slice(&headers));
    let header: &mut FileHeader64<Le> = at(out, 0)?;
    header.e_shoff = U64::new(Le, table_offset as u64);
    header.e_shnum = U16::new(Le, u16::try_from(headers.len())?);
    Ok(())
}

/// Cuts off the old section headers and section names if they end the file, as `ld` writes them.
fn drop_tail(
    out: &mut Vec<u8>,
    module: &Module,
    names_index: usize,
    table_start: usize,
    count: usize,
) {
    let used = |except: Option<usize>| {
        let ends = module.sections.iter().enumerate();
        ends.filter(|(index, _)| Some(*index) != except)
            .map(|(_, section)| section.bytes.end)
            .max()
            .unwrap_or_default()
    };
    let table_end = table_start + count * size_of::<SectionHeader64<Le>>();
    if table_end == out.len() && used(None) <= table_start {
        out.truncate(used(Some(names_index)));
    }
}

/// Appends bytes at the next multiple of eight and tells where.
fn append_aligned(out: &mut Vec<u8>, bytes: &[u8]) -> usize {
    out.resize(out.len().next_multiple_of(8), 0);
    let offset = out.len();
    out.extend_from_slice(bytes);
    offset
}

/// The structure at an offset of the file.
fn at<T: Pod>(out: &mut [u8], offset: usize) -> Result<&mut T> {
    let bytes = out.get_mut(offset..).unwrap_or_default();
    let (value, _) = from_bytes_mut(bytes)
        .ok()
        .context("an ELF structure lies outside the file")?;
    Ok(value)
}
