// SPDX-License-Identifier: GPL-2.0

//! Spells a prototype of the kernel in C, for messages.

use crate::btf::{Btf, Id, Type};

/// How deep types may nest. Only damaged BTF goes deeper.
const DEPTH: usize = 64;

/// The declaration of `name` with this prototype. What cannot be read is left out.
pub(crate) fn c(btf: &Btf, prototype: Id, name: &str) -> String {
    declare(btf, prototype, name.into(), 0)
}

/// A declaration of `inner` with the given type, built from the inside out.
fn declare(btf: &Btf, id: Id, inner: String, depth: usize) -> String {
    let depth = depth + 1;
    let base = |name: &str| match inner.as_str() {
        "" => name.into(),
        inner if inner.starts_with('*') && name.ends_with('*') => format!("{name}{inner}"),
        inner => format!("{name} {inner}"),
    };
    let tagged = |tag: &str, name: &str| match name {
        "" => base(&format!("{tag} {{…}}")),
        name => base(&format!("{tag} {name}")),
    };
    match btf.get(id) {
        _ if depth > DEPTH => base("…"),
        Err(_) => base("…"),
        Ok(Type::Void | Type::Other) => base("void"),
        Ok(Type::Integer { name, .. } | Type::Float { name } | Type::Typedef { name, .. }) => {
            base(name)
        }
        Ok(Type::Struct { name, .. } | Type::Forward { name, union: false }) => {
            tagged("struct", name)
        }
        Ok(Type::Union { name, .. } | Type::Forward { name, union: true }) => tagged("union", name),
        Ok(Type::Enum { name, .. }) => tagged("enum", name),
        Ok(
            Type::Qualified { target }
            | Type::Function {
                prototype: target, ..
            },
        ) => declare(btf, target, inner, depth),
        Ok(Type::Const { target }) => match btf.get(target) {
            Ok(Type::Pointer { .. }) => declare(btf, target, format!("const {inner}"), depth),
            _ => format!("const {}", declare(btf, target, inner, depth)),
        },
        Ok(Type::Pointer { target }) => match btf.get(target) {
            Ok(Type::Array { .. } | Type::Prototype { .. }) => {
                declare(btf, target, format!("(*{inner})"), depth)
            }
            _ => declare(btf, target, format!("*{inner}"), depth),
        },
        Ok(Type::Array { element, count }) => {
            declare(btf, element, format!("{inner}[{count}]"), depth)
        }
        Ok(Type::Prototype {
            result,
            parameters,
            variadic,
        }) => {
            let mut list: Vec<String> = parameters
                .iter()
                .map(|parameter| declare(btf, parameter.kind, parameter.name.into(), depth))
                .collect();
            if variadic {
                list.push("...".into());
            } else if list.is_empty() {
                list.push("void".into());
            }
            declare(btf, result, format!("{inner}({})", list.join(", ")), depth)
        }
    }
}
