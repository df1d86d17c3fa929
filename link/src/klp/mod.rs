// SPDX-License-Identifier: GPL-2.0
//! How private symbols are bound: by the kernel's own loader of live patches.
//!
//! A kernel without `CONFIG_LIVEPATCH` has none; what is written for its loader is here and
//! nowhere else.

pub mod edit;
pub mod private_symbol;

/// Section index of a symbol that the kernel looks up by its name (`include/uapi/linux/elf.h`).
pub const SHN_LIVEPATCH: u16 = 0xff20;

/// Flag of a section whose relocations the kernel applies by itself.
pub const SHF_RELA_LIVEPATCH: u64 = 0x0010_0000;
