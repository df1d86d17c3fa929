// SPDX-License-Identifier: GPL-2.0

//! Which C types the `kernel` crate has in Rust.

use std::collections::HashSet;

/// The names of the types in the output of bindgen.
pub(crate) struct Bindings {
    names: HashSet<String>,
}

impl Bindings {
    /// Reads them out of the source that bindgen wrote.
    pub(crate) fn read(source: &str) -> Self {
        let names = source
            .lines()
            .filter_map(declared)
            .map(String::from)
            .collect();
        Bindings { names }
    }

    /// Whether `bindings` declares this type.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

/// The type that a line declares, unless it has parameters: those are bindgen's own helpers.
fn declared(line: &str) -> Option<&str> {
    let rest = ["pub struct ", "pub union ", "pub type ", "pub enum "]
        .iter()
        .find_map(|keyword| line.strip_prefix(keyword))?;
    let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric())?;
    let (name, after) = rest.split_at(end);
    (!name.is_empty() && !after.starts_with('<')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_types_and_nothing_else() {
        let bindings = Bindings::read(
            "#[repr(C)]\n\
             pub struct seq_file {\n    pub buf: *mut ffi::c_char,\n}\n\
             pub struct irqreturn(pub ffi::c_uint);\n\
             pub union word {\n\
             pub type gfp_t = ffi::c_uint;\n\
             pub struct __IncompleteArrayField<T>(T);\n\
             pub const PAGE_SHIFT: u32 = 12;\n\
             \x20   pub fn seq_putc(m: *mut seq_file, c: ffi::c_char);\n",
        );
        for name in ["seq_file", "irqreturn", "word", "gfp_t"] {
            assert!(bindings.contains(name), "{name}");
        }
        for name in ["__IncompleteArrayField", "PAGE_SHIFT", "seq_putc", "buf"] {
            assert!(!bindings.contains(name), "{name}");
        }
    }
}
