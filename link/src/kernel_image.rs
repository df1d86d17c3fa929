// SPDX-License-Identifier: GPL-2.0
//! The kernel image as `scripts/extract-vmlinux` unpacks it: what it knows of its own symbols.

use crate::arch::{ENDBR, ENDBR_SEAL};
use crate::definition::Landing;
use crate::kallsyms;
use crate::kernel_symbols::{KernelSymbol, KernelSymbols};
use anyhow::{Context, Result};
use object::elf::FileHeader64;
use object::endian::LittleEndian as Le;
use object::read::elf::{FileHeader, SectionHeader};
use std::collections::HashSet;

/// Reads the symbols of an image, and for each whether it keeps its ENDBR.
pub fn read(data: &[u8]) -> Result<KernelSymbols> {
    symbols(&Image::parse(data)?)
}

fn symbols(image: &Image<'_>) -> Result<KernelSymbols> {
    let (base, rodata) = image.section(".rodata").context(
        "it has no section .rodata: unpack the kernel image with scripts/extract-vmlinux",
    )?;
    let entries = kallsyms::unpack(rodata, base).context("no symbol table was found in it")?;
    let sealed: Option<HashSet<u64>> = image
        .section(ENDBR_SEAL)
        .map(|(address, bytes)| sealed_functions(address, bytes));

    KernelSymbols::new(entries.into_iter().map(|entry| {
        let address = entry.address;
        let landing = match &sealed {
            None => Landing::Unknown,
            Some(sealed) if sealed.contains(&address) => Landing::Sealed,
            Some(_) if image.bytes(address).starts_with(&ENDBR) => Landing::Kept,
            Some(_) => Landing::Sealed,
        };
        (entry.name, KernelSymbol { address, landing })
    }))
}

/// Each entry is the distance from itself to the function.
fn sealed_functions(address: u64, bytes: &[u8]) -> HashSet<u64> {
    let entries = bytes.chunks_exact(4).zip((address..).step_by(4));
    entries
        .filter_map(|(entry, place)| {
            let distance = i32::from_le_bytes(entry.try_into().ok()?);
            Some(place.wrapping_add_signed(distance.into()))
        })
        .collect()
}

/// The sections of the image that have contents: name, address, contents.
struct Image<'a>(Vec<(String, u64, &'a [u8])>);

impl<'a> Image<'a> {
    fn parse(data: &'a [u8]) -> Result<Self> {
        let header = FileHeader64::<Le>::parse(data).context("not a 64-bit ELF file")?;
        let table = header.sections(Le, data).context("bad section headers")?;
        let mut sections = Vec::new();
        for section in table.iter() {
            let name = table
                .section_name(Le, section)
                .context("bad section name")?;
            let bytes = section
                .data(Le, data)
                .context("a section outside the file")?;
            sections.push((
                String::from_utf8_lossy(name).into_owned(),
                section.sh_addr(Le),
                bytes,
            ));
        }
        Ok(Self(sections))
    }

    fn section(&self, name: &str) -> Option<(u64, &'a [u8])> {
        let found = self.0.iter().find(|(n, ..)| n == name)?;
        Some((found.1, found.2))
    }

    /// The contents from an address to the end of its section.
    fn bytes(&self, address: u64) -> &'a [u8] {
        let from = |&(_, start, bytes): &(String, u64, &'a [u8])| {
            let offset = usize::try_from(address.checked_sub(start)?).ok()?;
            bytes.get(offset..).filter(|rest| !rest.is_empty())
        };
        self.0.iter().find_map(from).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kallsyms::tests::write;

    const RODATA: u64 = 0xffff_ffff_8200_0000;
    const TEXT: u64 = 0xffff_ffff_8100_0000;
    const SEAL: u64 = 0xffff_ffff_8300_0000;

    fn image<'a>(rodata: &'a [u8], text: &'a [u8], seal: Option<&'a [u8]>) -> Image<'a> {
        let mut sections = vec![
            (".text".to_owned(), TEXT, text),
            (".rodata".to_owned(), RODATA, rodata),
        ];
        sections.extend(seal.map(|bytes| (ENDBR_SEAL.to_owned(), SEAL, bytes)));
        Image(sections)
    }

    #[test]
    fn knows_which_functions_keep_their_endbr() {
        let rodata = write(
            &[
                ("_stext", TEXT),
                ("kept", TEXT + 16),
                ("sealed", TEXT + 32),
                ("without", TEXT + 48),
                ("_etext", TEXT + 64),
            ],
            RODATA,
        );
        let mut text = [0x90; 64];
        text[16..20].copy_from_slice(&ENDBR);
        text[32..36].copy_from_slice(&ENDBR);
        let distance = |to: u64, place: u64| (to.wrapping_sub(place) as i32).to_le_bytes();
        let seal = [distance(TEXT, SEAL), distance(TEXT + 32, SEAL + 4)].concat();

        let symbols = |seal| symbols(&image(&rodata, &text, seal)).unwrap();
        let sealing = symbols(Some(&seal));
        assert_eq!(sealing.named("kept")[0].landing, Landing::Kept);
        assert_eq!(sealing.named("sealed")[0].landing, Landing::Sealed);
        assert_eq!(sealing.named("without")[0].landing, Landing::Sealed);

        // A kernel without IBT seals nothing, and the module might run on one that does.
        assert_eq!(symbols(None).named("kept")[0].landing, Landing::Unknown);
    }

    #[test]
    fn says_what_an_image_lacks() {
        let error = symbols(&Image(Vec::new())).unwrap_err();
        assert!(error.to_string().contains("extract-vmlinux"), "{error}");
        let error = symbols(&image(&[], &[], None)).unwrap_err();
        assert!(error.to_string().contains("no symbol table"), "{error}");
    }
}
