// SPDX-License-Identifier: GPL-2.0
//! How a relocation may use a symbol, and where a private symbol may be used.

use crate::arch;

/// How a relocation uses its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The target of a direct call or jump.
    Branch,
    /// The symbol's address, or the data at it.
    Address,
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
        "__bug_table" | "__ex_table" => Some("it lists this module's instructions that may trap"),
        "__ksymtab" | "__ksymtab_gpl" => Some("a private symbol cannot be exported again"),
        ".gnu.linkonce.this_module" => Some("the kernel would call it through a pointer"),
        ".modinfo" | "__versions" | "__version_ext_names" | "__version_ext_crcs" => {
            Some("the loader reads it and does not relocate it")
        }
        _ => arch::forbidden_section(section),
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
