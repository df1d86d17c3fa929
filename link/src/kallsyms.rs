// SPDX-License-Identifier: GPL-2.0
//! The symbol table that the kernel keeps of itself, found and unpacked in its image.
//!
//! `scripts/kallsyms.c` writes it into `.rodata`, each part aligned to four bytes: the number of
//! symbols, the packed names, a marker (its offset) for every 256th name, the 256 strings that
//! the bytes of packed names stand for, the offsets of these strings, and for each symbol the
//! distance from its entry here to its address. Nothing in a stripped image points to the table,
//! but its parts agree with each other: it is found by its strings and proved by the rest.

/// One symbol of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name without the letter of its kind.
    pub name: String,
    /// Where it is in a kernel that is not moved by KASLR.
    pub address: u64,
}

/// The strings of the digits, which stand for themselves in every table.
const DIGITS: &[u8] = b"0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00";

/// Of each part of the table, `ALGN` of `scripts/kallsyms.c`.
const ALIGNMENT: usize = 4;

/// Finds and unpacks the table in the contents of `.rodata`, which are at `base`.
pub fn unpack(rodata: &[u8], base: u64) -> Option<Vec<Entry>> {
    rodata
        .windows(DIGITS.len())
        .enumerate()
        .filter(|(_, window)| *window == DIGITS)
        .find_map(|(digits, _)| Table::at_digits(rodata, digits))
        .and_then(|table| table.entries(base))
}

/// Where the parts of the table are.
struct Table<'a> {
    rodata: &'a [u8],
    strings: Vec<&'a [u8]>,
    count: usize,
    names: usize,
    addresses: usize,
}

impl<'a> Table<'a> {
    fn at_digits(rodata: &'a [u8], digits: usize) -> Option<Self> {
        // Forward from the digits: the other strings, then the offset of each.
        let mut end = digits;
        for _ in usize::from(b'0')..256 {
            end += string_at(rodata, end)?.len() + 1;
        }
        let index = end.next_multiple_of(ALIGNMENT);
        let offset = |number: usize| Some(usize::from(u16_at(rodata, index + 2 * number)?));
        let start = digits.checked_sub(offset(usize::from(b'0'))?)?;

        let mut strings = Vec::with_capacity(256);
        let mut at = start;
        for number in 0..256 {
            if start + offset(number)? != at {
                return None;
            }
            let string = string_at(rodata, at)?;
            at += string.len() + 1;
            strings.push(string);
        }

        let (markers_start, markers) = markers_before(rodata, start)?;
        let (names, count) = names_before(rodata, markers_start, &markers)?;
        Some(Self {
            rodata,
            strings,
            count,
            names,
            addresses: index + 2 * 256,
        })
    }

    fn entries(&self, base: u64) -> Option<Vec<Entry>> {
        let mut entries = Vec::with_capacity(self.count);
        let mut at = self.names;
        for number in 0..self.count {
            let (packed, next) = name_at(self.rodata, at)?;
            at = next;
            let kind_and_name: Vec<u8> = packed
                .iter()
                .flat_map(|&byte| self.strings[usize::from(byte)])
                .copied()
                .collect();
            let place = self.addresses + 4 * number;
            let distance = i32::from_le_bytes(*self.rodata.get(place..)?.first_chunk()?);
            entries.push(Entry {
                name: String::from_utf8_lossy(kind_and_name.get(1..)?).into_owned(),
                address: base
                    .wrapping_add(place as u64)
                    .wrapping_add_signed(distance.into()),
            });
        }
        Some(entries)
    }
}

/// Reads the markers backwards from the strings: they fall to zero.
fn markers_before(rodata: &[u8], strings: usize) -> Option<(usize, Vec<usize>)> {
    let mut start = strings;
    let mut markers: Vec<usize> = Vec::new();
    while markers.last() != Some(&0) {
        start = start.checked_sub(4)?;
        let marker = u32_at(rodata, start)?;
        if markers.last().is_some_and(|&next| marker >= next) {
            return None;
        }
        markers.push(marker);
    }
    markers.reverse();
    Some((start, markers))
}

/// Looks backwards from the markers for a number of symbols with as many names after it.
fn names_before(rodata: &[u8], markers_start: usize, markers: &[usize]) -> Option<(usize, usize)> {
    let last_marker = *markers.last()?;
    let counts = 256 * (markers.len() - 1) + 1..=256 * markers.len();
    let mut names = markers_start.checked_sub(last_marker)? / ALIGNMENT * ALIGNMENT;
    loop {
        let count = u32_at(rodata, names.checked_sub(ALIGNMENT)?)?;
        if counts.contains(&count) && names_fit(rodata, names, count, markers_start, markers) {
            return Some((names, count));
        }
        names -= ALIGNMENT;
    }
}

/// Whether the names agree with every marker and end where the markers start.
fn names_fit(
    rodata: &[u8],
    names: usize,
    count: usize,
    markers_start: usize,
    markers: &[usize],
) -> bool {
    let mut at = names;
    for number in 0..count {
        if number % 256 == 0 && at - names != markers[number / 256] {
            return false;
        }
        match name_at(rodata, at) {
            Some((_, next)) if next <= markers_start => at = next,
            _ => return false,
        }
    }
    at.next_multiple_of(ALIGNMENT) == markers_start
}

/// One packed name and where the next is; its length is one byte, or two if the first is over 127.
fn name_at(rodata: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let first = usize::from(*rodata.get(at)?);
    let (start, length) = if first < 0x80 {
        (at + 1, first)
    } else {
        let second = usize::from(*rodata.get(at + 1)?);
        (at + 2, (first & 0x7f) | (second << 7))
    };
    let end = start + length;
    (length > 0).then_some((rodata.get(start..end)?, end))
}

fn string_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    // The longest string is a whole name, `KSYM_NAME_LEN`.
    let length = rest.iter().take(512).position(|&byte| byte == 0)?;
    Some(&rest[..length])
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let value = u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
    usize::try_from(value).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const BASE: u64 = 0xffff_ffff_8200_0000;

    fn align(bytes: &mut Vec<u8>) {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// Writes a table as `scripts/kallsyms.c` does, with `qq` for one of its packed strings.
    pub(crate) fn write(symbols: &[(&str, u64)], base: u64) -> Vec<u8> {
        let mut out = b"something before".to_vec();
        align(&mut out);
        out.extend_from_slice(&(symbols.len() as u32).to_le_bytes());
        let start = out.len();
        let mut markers = Vec::new();
        for (number, (name, _)) in symbols.iter().enumerate() {
            if number % 256 == 0 {
                markers.push((out.len() - start) as u32);
            }
            let packed = format!("t{name}").replace("qq", "\x01");
            let length = packed.len();
            if length < 0x80 {
                out.push(length as u8);
            } else {
                out.extend([length as u8 & 0x7f | 0x80, (length >> 7) as u8]);
            }
            out.extend_from_slice(packed.as_bytes());
        }
        align(&mut out);
        out.extend(markers.iter().flat_map(|marker| marker.to_le_bytes()));
        align(&mut out);
        let strings = out.len();
        let mut index = Vec::new();
        for byte in 0..=255_u8 {
            index.extend(((out.len() - strings) as u16).to_le_bytes());
            match byte {
                1 => out.extend_from_slice(b"qq"),
                b'!'..=b'~' => out.push(byte),
                _ => {}
            }
            out.push(0);
        }
        align(&mut out);
        out.extend(index);
        align(&mut out);
        for (_, address) in symbols {
            let distance = address.wrapping_sub(base + out.len() as u64);
            out.extend_from_slice(&(distance as i32).to_le_bytes());
        }
        out
    }

    fn names(count: usize) -> Vec<(String, u64)> {
        let name = |number| format!("{}qq_{number}", "x".repeat(number % 300));
        let symbols = (0..count).map(|number| (name(number), BASE - 0x10_0000 + number as u64));
        symbols.collect()
    }

    #[test]
    fn unpacks_what_was_packed() {
        for count in [1, 2, 255, 256, 257, 512, 1000] {
            let names = names(count);
            let symbols: Vec<_> = names.iter().map(|(n, a)| (n.as_str(), *a)).collect();
            let entries = unpack(&write(&symbols, BASE), BASE).unwrap();
            assert_eq!(entries.len(), count);
            for (entry, (name, address)) in entries.iter().zip(&symbols) {
                assert_eq!((entry.name.as_str(), entry.address), (*name, *address));
            }
        }
    }

    #[test]
    fn damage_is_seen() {
        let whole = write(&[("first", BASE), ("second", BASE + 8)], BASE);
        assert!(unpack(&whole, BASE).is_some());
        assert!(unpack(&whole[20..], BASE).is_none(), "no number of symbols");
        assert!(
            unpack(&whole[..whole.len() - 4], BASE).is_none(),
            "an address missing"
        );
        assert!(unpack(b"nothing", BASE).is_none());
        for at in 16..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            _ = unpack(&damaged, BASE);
        }
    }
}
