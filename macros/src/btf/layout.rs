// SPDX-License-Identifier: GPL-2.0

//! How long the types in BTF are: needed to find where each one starts.

use super::TYPE;
use crate::elf::u32_at;

/// The `info` word of a type.
#[derive(Clone, Copy)]
pub(super) struct Info(pub(super) u32);

impl Info {
    pub(super) fn kind(self) -> u32 {
        (self.0 >> 24) & 0x7f
    }

    /// How many elements follow.
    pub(super) fn length(self) -> usize {
        (self.0 & 0xff_ffff) as usize
    }

    pub(super) fn flag(self) -> bool {
        self.0 >> 31 != 0
    }
}

/// Where each type starts.
pub(super) fn starts(types: &[u8], layout: &[u8]) -> Result<Vec<u32>, String> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < types.len() {
        let damaged = || format!("BTF type {} of the object is cut short", starts.len() + 1);
        let info = Info(u32_at(types, at + 4).ok_or_else(damaged)?);
        let length = length(info, layout).ok_or_else(|| {
            format!(
                "BTF has a kind of type ({}) that molt does not know",
                info.kind()
            )
        })?;
        let next = at + TYPE + length;
        if next > types.len() {
            return Err(damaged());
        }
        starts.push(at as u32);
        at = next;
    }
    Ok(starts)
}

/// How many bytes follow the fixed part of a type. Kinds younger than this code are described by
/// the layout section, which pahole writes since 1.31.
fn length(info: Info, layout: &[u8]) -> Option<usize> {
    Some(match info.kind() {
        1 | 14 | 17 => 4,
        2 | 7..=12 | 16 | 18 => 0,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * info.length(),
        6 | 13 => 8 * info.length(),
        kind => {
            let entry = layout.get(4 * kind as usize..)?.get(..2)?;
            usize::from(entry[0]) + usize::from(entry[1]) * info.length()
        }
    })
}
