// SPDX-License-Identifier: GPL-2.0

//! Finds one section of an ELF file by its name: all that reading BTF needs of the format.

/// The bytes every ELF file begins with.
const MAGIC: &[u8] = b"\x7fELF";
/// `e_ident`: 64-bit, little endian, the only form an x86-64 kernel comes in.
const CLASS_64_LITTLE: [u8; 2] = [2, 1];
/// Length of one section header of a 64-bit file.
const SECTION_HEADER: usize = 64;
/// `sh_type` of a section without bytes in the file.
const SHT_NOBITS: u32 = 8;
/// `sh_flags`: the bytes are compressed.
const SHF_COMPRESSED: u64 = 1 << 11;

/// Whether the file is ELF at all.
pub(crate) fn is_elf(file: &[u8]) -> bool {
    file.starts_with(MAGIC)
}

/// The bytes of the section called `name`; `None` if the file has no such section.
pub(crate) fn section<'f>(file: &'f [u8], name: &str) -> Result<Option<&'f [u8]>, String> {
    if file.get(4..6) != Some(&CLASS_64_LITTLE) {
        return Err("not a 64-bit little-endian ELF file".into());
    }
    let table = Table::read(file).ok_or("the ELF section table is cut short")?;
    for index in 0..table.count {
        let header = table
            .header(index)
            .ok_or("an ELF section header is cut short")?;
        if table.name(&header) != Some(name.as_bytes()) {
            continue;
        }
        if header.kind == SHT_NOBITS || header.flags & SHF_COMPRESSED != 0 {
            return Err(format!("the section {name} is empty or compressed"));
        }
        return match bytes(file, header.offset, header.size) {
            Some(found) => Ok(Some(found)),
            None => Err(format!(
                "the section {name} reaches past the end of the file"
            )),
        };
    }
    Ok(None)
}

/// What is needed of a section header.
struct Header {
    name: usize,
    kind: u32,
    flags: u64,
    offset: u64,
    size: u64,
}

/// The section header table and the section that holds the names.
struct Table<'f> {
    file: &'f [u8],
    offset: usize,
    count: usize,
    names: &'f [u8],
}

impl<'f> Table<'f> {
    fn read(file: &'f [u8]) -> Option<Self> {
        let offset = usize::try_from(u64_at(file, 0x28)?).ok()?;
        let mut table = Table {
            file,
            offset,
            count: usize::from(u16_at(file, 0x3c)?),
            names: &[],
        };
        let mut names = usize::from(u16_at(file, 0x3e)?);
        // Files with 65,280 sections and more keep both numbers in the first header.
        if offset != 0 {
            let first = offset.checked_add(0x20)?;
            if table.count == 0 {
                table.count = usize::try_from(u64_at(file, first)?).ok()?;
            }
            if names == 0xffff {
                names = usize::try_from(u32_at(file, first.checked_add(8)?)?).ok()?;
            }
        }
        if table.count > 0 {
            let header = table.header(names)?;
            table.names = bytes(file, header.offset, header.size)?;
        }
        Some(table)
    }

    fn header(&self, index: usize) -> Option<Header> {
        let start = self
            .offset
            .checked_add(index.checked_mul(SECTION_HEADER)?)?;
        let header = self.file.get(start..start.checked_add(SECTION_HEADER)?)?;
        Some(Header {
            name: usize::try_from(u32_at(header, 0)?).ok()?,
            kind: u32_at(header, 4)?,
            flags: u64_at(header, 8)?,
            offset: u64_at(header, 0x18)?,
            size: u64_at(header, 0x20)?,
        })
    }

    fn name(&self, header: &Header) -> Option<&'f [u8]> {
        self.names
            .get(header.name..)?
            .split(|&byte| byte == 0)
            .next()
    }
}

fn bytes(file: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    file.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The little-endian number at `at`.
pub(crate) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_le_bytes)
}

/// The little-endian number at `at`.
pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_le_bytes)
}

fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    array(data, at).map(u64::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An ELF file that consists of the given sections.
    pub(crate) fn file(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut names = b"\0.shstrtab\0".to_vec();
        let mut data = vec![0u8; SECTION_HEADER];
        let mut headers = vec![[0u8; SECTION_HEADER]];
        let mut add = |name: usize, content: &[u8], data: &mut Vec<u8>| {
            let mut header = [0u8; SECTION_HEADER];
            header[..4].copy_from_slice(&(name as u32).to_le_bytes());
            header[4..8].copy_from_slice(&1u32.to_le_bytes());
            header[0x18..0x20].copy_from_slice(&(data.len() as u64).to_le_bytes());
            header[0x20..0x28].copy_from_slice(&(content.len() as u64).to_le_bytes());
            data.extend(content);
            headers.push(header);
        };
        for (name, content) in sections {
            add(names.len(), content, &mut data);
            names.extend(name.as_bytes());
            names.push(0);
        }
        add(1, &names, &mut data);
        data[..4].copy_from_slice(MAGIC);
        data[4..6].copy_from_slice(&CLASS_64_LITTLE);
        let table = data.len() as u64;
        data[0x28..0x30].copy_from_slice(&table.to_le_bytes());
        data[0x3c..0x3e].copy_from_slice(&(headers.len() as u16).to_le_bytes());
        data[0x3e..0x40].copy_from_slice(&(headers.len() as u16 - 1).to_le_bytes());
        data.extend(headers.iter().flatten());
        data
    }

    #[test]
    fn finds_a_section_by_name() {
        let file = file(&[(".text", b"code"), (".BTF", b"types")]);
        assert!(is_elf(&file));
        assert_eq!(section(&file, ".BTF"), Ok(Some(b"types".as_slice())));
        assert_eq!(section(&file, ".BT"), Ok(None));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let file = file(&[(".BTF", b"types")]);
        for length in 0..file.len() {
            assert!(section(&file[..length], ".BTF").is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_section_past_the_end_is_an_error() {
        let mut file = file(&[(".BTF", b"types")]);
        let size = file.len() - 2 * SECTION_HEADER + 0x20;
        file[size..size + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(section(&file, ".BTF").is_err());
    }
}
