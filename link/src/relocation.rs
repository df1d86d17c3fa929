// SPDX-License-Identifier: GPL-2.0
//! What the kinds of x86-64 relocation mean, and where a private symbol may be used.

use object::elf;

/// How a relocation uses its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The target of a direct call or jump.
    Branch,
    /// The symbol's address, or the data at it.
    Address,
}

impl Use {
    /// Classifies a relocation, or tells that the kernel's module loader cannot apply it.
    ///
    /// The list is that of `__write_relocate_add()` in `arch/x86/kernel/module.c`. Compilers and
    /// assemblers emit PLT32 for every direct branch to an undefined symbol and for nothing else
    /// (the kernel's objects are not position independent: no PLT, no GOT); a branch in data does
    /// not exist, so there PLT32 is a relative address.
    pub fn of(r_type: u32, in_code: bool) -> Option<Self> {
        match r_type {
            elf::R_X86_64_PLT32 if in_code => Some(Self::Branch),
            elf::R_X86_64_PLT32
            | elf::R_X86_64_PC32
            | elf::R_X86_64_PC64
            | elf::R_X86_64_32
            | elf::R_X86_64_32S
            | elf::R_X86_64_64 => Some(Self::Address),
            _ => None,
        }
    }
}

/// Why no private symbol may be used in a section of this name, if so.
///
/// These tables tell the loader (`module_finalize()`, `find_module_sections()`) which places of
/// *this* module to rewrite or to describe. An entry for a place in the kernel would make it
/// rewrite the kernel, or export what it keeps to itself. `__jump_table` and `.static_call_sites`
/// are not among them: their entries also name a key, and a key of vmlinux is fine because its
/// address is written before the tables are read (`tools/objtool/klp-diff.c` says the same).
pub fn forbidden_section(section: &str) -> Option<&'static str> {
    match section {
        "__patchable_function_entries" | "__mcount_loc" => {
            Some("it lists this module's ftrace sites")
        }
        ".orc_unwind" | ".orc_unwind_ip" => Some("it describes this module's own stack frames"),
        ".altinstructions" | ".smp_locks" | ".parainstructions" => {
            Some("it lists this module's instructions that depend on the CPU")
        }
        ".retpoline_sites" | ".return_sites" | ".call_sites" | ".cfi_sites" | ".kcfi_traps"
        | "__kcfi_traps" | ".ibt_endbr_seal" => {
            Some("it lists this module's instructions that mitigations rewrite")
        }
        "__bug_table" | "__ex_table" => Some("it lists this module's instructions that may trap"),
        "__ksymtab" | "__ksymtab_gpl" => Some("a private symbol cannot be exported again"),
        ".gnu.linkonce.this_module" => Some("the kernel would call it through a pointer"),
        ".modinfo" | "__versions" | "__version_ext_names" | "__version_ext_crcs" => {
            Some("the loader reads it and does not relocate it")
        }
        _ => None,
    }
}

/// Why no private symbol of a module may be used in a section of this name, if so.
///
/// Such a symbol gets its address when its module is patched, which may be long after the patch has
/// been loaded. So only what nobody looked at before may change then: code and plain data.
pub fn late_section(section: &str) -> Option<&'static str> {
    let is = |name: &str| {
        let rest = section.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if section == "__jump_table" {
        return Some(
            "a static key of a module; the kernel prepares the branches of a patch when that is \
             loaded, and then knows no module's keys. Test the key's count instead",
        );
    }
    if section == ".static_call_sites" {
        return Some(
            "a static call of a module's key; the kernel prepares the calls of a patch when that is \
             loaded, and then knows no module's keys. Call its trampoline, __SCT__NAME, as a function",
        );
    }
    if is(".init") {
        return Some("it is run and given back before symbols of modules have addresses");
    }
    if section.starts_with(".data..percpu") {
        return Some("it is copied for each CPU before symbols of modules have addresses");
    }
    if [".text", ".exit.text", ".rodata", ".data"]
        .into_iter()
        .any(is)
    {
        return None;
    }
    Some("the kernel reads it while the patch is loaded, and a symbol of a module has no address yet")
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
        assert_eq!(Use::of(elf::R_X86_64_PLT32, true), Some(Use::Branch));
        assert_eq!(Use::of(elf::R_X86_64_PLT32, false), Some(Use::Address));
        assert_eq!(Use::of(elf::R_X86_64_PC32, true), Some(Use::Address));
        assert_eq!(Use::of(elf::R_X86_64_64, false), Some(Use::Address));
    }

    #[test]
    fn only_code_and_plain_data_may_change_late() {
        for section in [
            ".text",
            ".text.unlikely",
            ".rodata.str1.1",
            ".data",
            ".data.rel.ro",
            ".exit.text",
        ] {
            assert_eq!(late_section(section), None, "{section}");
        }
        for section in [
            ".init.text",
            ".init.data",
            "__jump_table",
            ".static_call_sites",
            ".data..percpu",
            "__param",
            ".textual",
        ] {
            assert!(late_section(section).is_some(), "{section}");
        }
    }

    #[test]
    fn types_the_loader_does_not_know() {
        for r_type in [
            elf::R_X86_64_GOTPCREL,
            elf::R_X86_64_REX_GOTPCRELX,
            elf::R_X86_64_TPOFF32,
            elf::R_X86_64_16,
        ] {
            assert_eq!(Use::of(r_type, true), None);
        }
    }
}
