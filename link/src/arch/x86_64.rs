// SPDX-License-Identifier: GPL-2.0
//! What knows x86-64: kinds of relocation, sections that describe instructions, ENDBR.

use crate::relocation::Use;
use object::elf;

/// What it is called.
pub const NAME: &str = "x86-64";

/// The machine in a file's header.
pub const MACHINE: u16 = elf::EM_X86_64;

/// The relocation that the module loader skips.
pub const NO_RELOCATION: u32 = elf::R_X86_64_NONE;

/// The instruction that a call through a pointer must land on.
pub const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// The section that lists the functions whose ENDBR `apply_seal_endbr()` of
/// `arch/x86/kernel/alternative.c` takes away, since objtool saw no pointer to them. Each entry is
/// the distance from itself to the function, in 32 bits.
pub const ENDBR_SEAL: &str = ".ibt_endbr_seal";

/// The one undefined symbol that `ignore_undef_symbol()` of the loader lets pass.
pub const IGNORED_SYMBOL: &str = "_GLOBAL_OFFSET_TABLE_";

/// Why no private symbol may be used in a section of this name, if so: those that only this
/// architecture has.
pub fn forbidden_section(section: &str) -> Option<&'static str> {
    match section {
        ".orc_unwind" | ".orc_unwind_ip" => Some("it describes this module's own stack frames"),
        ".altinstructions" | ".smp_locks" | ".parainstructions" => {
            Some("it lists this module's instructions that depend on the CPU")
        }
        ".retpoline_sites" | ".return_sites" | ".call_sites" | ".cfi_sites" | ".kcfi_traps"
        | "__kcfi_traps" | ENDBR_SEAL => {
            Some("it lists this module's instructions that mitigations rewrite")
        }
        _ => None,
    }
}

/// Classifies a relocation, or tells that the kernel's module loader cannot apply it.
///
/// The list is that of `__write_relocate_add()` in `arch/x86/kernel/module.c`. Compilers and
/// assemblers emit PLT32 for every direct branch to an undefined symbol and for nothing else (the
/// kernel's objects are not position independent: no PLT, no GOT); a branch in data does not exist,
/// so there PLT32 is a relative address.
pub fn usage(r_type: u32, in_code: bool) -> Option<Use> {
    match r_type {
        elf::R_X86_64_PLT32 if in_code => Some(Use::Branch),
        elf::R_X86_64_PLT32
        | elf::R_X86_64_PC32
        | elf::R_X86_64_PC64
        | elf::R_X86_64_32
        | elf::R_X86_64_32S
        | elf::R_X86_64_64 => Some(Use::Address),
        _ => None,
    }
}

/// How many bytes a relocation writes.
pub fn size(r_type: u32) -> usize {
    match r_type {
        elf::R_X86_64_64 | elf::R_X86_64_PC64 => 8,
        _ => 4,
    }
}

/// The name of a relocation type as `readelf` prints it, or its number.
pub fn type_name(r_type: u32) -> String {
    let name = match r_type {
        elf::R_X86_64_64 => "R_X86_64_64",
        elf::R_X86_64_PC32 => "R_X86_64_PC32",
        elf::R_X86_64_GOT32 => "R_X86_64_GOT32",
        elf::R_X86_64_PLT32 => "R_X86_64_PLT32",
        elf::R_X86_64_GOTPCREL => "R_X86_64_GOTPCREL",
        elf::R_X86_64_32 => "R_X86_64_32",
        elf::R_X86_64_32S => "R_X86_64_32S",
        elf::R_X86_64_16 => "R_X86_64_16",
        elf::R_X86_64_8 => "R_X86_64_8",
        elf::R_X86_64_TPOFF32 => "R_X86_64_TPOFF32",
        elf::R_X86_64_GOTTPOFF => "R_X86_64_GOTTPOFF",
        elf::R_X86_64_PC64 => "R_X86_64_PC64",
        elf::R_X86_64_GOTOFF64 => "R_X86_64_GOTOFF64",
        elf::R_X86_64_GOTPCRELX => "R_X86_64_GOTPCRELX",
        elf::R_X86_64_REX_GOTPCRELX => "R_X86_64_REX_GOTPCRELX",
        _ => return format!("type {r_type}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plt32_in_code_is_a_branch() {
        assert_eq!(usage(elf::R_X86_64_PLT32, true), Some(Use::Branch));
        assert_eq!(usage(elf::R_X86_64_PLT32, false), Some(Use::Address));
        assert_eq!(usage(elf::R_X86_64_PC32, true), Some(Use::Address));
        assert_eq!(usage(elf::R_X86_64_64, false), Some(Use::Address));
    }

    #[test]
    fn types_the_loader_does_not_know() {
        for r_type in [
            elf::R_X86_64_GOTPCREL,
            elf::R_X86_64_REX_GOTPCRELX,
            elf::R_X86_64_TPOFF32,
            elf::R_X86_64_16,
        ] {
            assert_eq!(usage(r_type, true), None);
        }
    }
}
