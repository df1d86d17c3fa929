// SPDX-License-Identifier: GPL-2.0

//! What Rust calls a thing of C.

/// The Rust integer for the typedefs of the kernel and of C that bindgen replaces by one.
pub(crate) fn primitive(typedef: &str) -> Option<String> {
    let name = typedef.strip_prefix("__").unwrap_or(typedef);
    match name.strip_prefix("kernel_").unwrap_or(name) {
        "size_t" | "uintptr_t" => return Some("usize".into()),
        "ssize_t" | "ptrdiff_t" | "intptr_t" => return Some("isize".into()),
        _ => {}
    }
    let (sign, bits) =
        if let Some(bits) = name.strip_prefix("uint").and_then(|n| n.strip_suffix("_t")) {
            ('u', bits)
        } else if let Some(bits) = name.strip_prefix("int").and_then(|n| n.strip_suffix("_t")) {
            ('i', bits)
        } else if let Some(bits) = name.strip_prefix('u') {
            ('u', bits)
        } else {
            ('i', name.strip_prefix('s')?)
        };
    matches!(bits, "8" | "16" | "32" | "64").then(|| format!("{sign}{bits}"))
}

/// The name that bindgen gives to a C name: keywords get an underscore.
pub(crate) fn rust_name(name: &str) -> String {
    match syn::parse_str::<syn::Ident>(name) {
        Ok(_) => name.into(),
        Err(_) => format!("{name}_"),
    }
}

/// The name of a parameter.
pub(crate) fn parameter_name(name: &str) -> String {
    if name.is_empty() {
        "_".into()
    } else {
        rust_name(name)
    }
}
