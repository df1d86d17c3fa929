// SPDX-License-Identifier: GPL-2.0

//! Spells a prototype of the kernel in Rust, as bindgen would.

use std::collections::{BTreeMap, BTreeSet};

use crate::bindings::Bindings;
use crate::btf::{Btf, Id, Type};
use crate::names::{parameter_name, primitive, rust_name};

/// How deep types may nest. Only damaged BTF goes deeper.
const DEPTH: usize = 64;

/// How the Rust types of a signature are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As the author writes them, with the prelude in scope.
    Author,
    /// Valid wherever the macro puts them.
    Qualified,
}

/// A signature in Rust, with what must be declared for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<(String, String)>,
    /// `None` for `void`.
    pub(crate) result: Option<String>,
    /// Whether it takes `...` after its parameters.
    pub(crate) variadic: bool,
    /// The types that the kernel's bindings do not have; only pointers to them occur.
    pub(crate) opaque: BTreeSet<String>,
    /// The size of each struct that is passed by value.
    pub(crate) sizes: BTreeMap<String, u32>,
}

impl Signature {
    /// The type of a pointer to such a function.
    pub(crate) fn pointer(&self) -> String {
        let mut parameters: Vec<&str> = self
            .parameters
            .iter()
            .map(|(_, kind)| kind.as_str())
            .collect();
        if self.variadic {
            parameters.push("...");
        }
        let parameters = parameters.join(", ");
        format!("unsafe extern \"C\" fn({parameters}){}", self.arrow())
    }

    /// The head of a function with this signature.
    pub(crate) fn head(&self, name: &str) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, kind)| format!("{name}: {kind}"))
            .collect();
        let parameters = parameters.join(", ");
        format!(
            "unsafe extern \"C\" fn {}({parameters}){}",
            rust_name(name),
            self.arrow()
        )
    }

    /// What follows the parameters.
    pub(crate) fn arrow(&self) -> String {
        self.result
            .as_ref()
            .map(|result| format!(" -> {result}"))
            .unwrap_or_default()
    }
}

/// Spells the prototype in Rust.
pub(crate) fn rust(
    btf: &Btf,
    bindings: &Bindings,
    prototype: Id,
    style: Style,
) -> Result<Signature, String> {
    let mut speller = Speller {
        btf,
        bindings,
        style,
        found: Signature::default(),
    };
    let (parameters, result, variadic) = speller.prototype(prototype, 0)?;
    Ok(Signature {
        parameters,
        result,
        variadic,
        ..speller.found
    })
}

/// Where a type stands: what is behind a pointer need not be known in full.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Value,
    Pointee,
}

struct Speller<'a> {
    btf: &'a Btf,
    bindings: &'a Bindings,
    style: Style,
    found: Signature,
}

type Prototype = (Vec<(String, String)>, Option<String>, bool);

impl Speller<'_> {
    fn prototype(&mut self, id: Id, depth: usize) -> Result<Prototype, String> {
        let Type::Prototype {
            result,
            parameters,
            variadic,
        } = self.btf.get(id)?
        else {
            return Err("has no prototype in BTF".into());
        };
        let parameters = parameters
            .iter()
            .map(|parameter| {
                let kind = self.spell(parameter.kind, Place::Value, None, depth + 1)?;
                Ok((parameter_name(parameter.name), kind))
            })
            .collect::<Result<_, String>>()?;
        let result = match plain(self.btf, result)? {
            Type::Void => None,
            _ => Some(self.spell(result, Place::Value, None, depth + 1)?),
        };
        Ok((parameters, result, variadic))
    }

    /// Spells one type. `alias` is the typedef through which it was reached: the only name of an
    /// anonymous struct.
    fn spell(
        &mut self,
        id: Id,
        place: Place,
        alias: Option<&str>,
        depth: usize,
    ) -> Result<String, String> {
        if depth > DEPTH {
            return Err("has a type that contains itself: the BTF is damaged".into());
        }
        let btf = self.btf;
        let depth = depth + 1;
        match btf.get(id)? {
            Type::Void if place == Place::Pointee => Ok(self.ffi("c_void")),
            Type::Integer {
                name,
                size,
                signed,
                boolean,
            } => self.integer(name, size, signed, boolean),
            Type::Float { name } => match (place, name) {
                (Place::Pointee, "float") => Ok("f32".into()),
                (Place::Pointee, "double") => Ok("f64".into()),
                _ => Err(format!(
                    "passes floating point numbers (`{name}`), which a patch cannot"
                )),
            },
            Type::Pointer { target } => self.pointer(target, depth),
            Type::Array { element, count } if place == Place::Pointee => Ok(format!(
                "[{}; {count}]",
                self.spell(element, place, None, depth)?
            )),
            Type::Struct { name, size } | Type::Union { name, size } => {
                self.aggregate(name, alias, Some(size), place)
            }
            Type::Forward { name, .. } => self.aggregate(name, alias, None, place),
            Type::Enum { name, size, signed } => {
                let name = rust_name(if name.is_empty() {
                    alias.unwrap_or("")
                } else {
                    name
                });
                if self.bindings.contains(&name) {
                    return Ok(format!("c::{name}"));
                }
                self.integer("int", size, signed, false)
            }
            Type::Typedef { name, target } => {
                let plain = self.spell(target, place, Some(name), depth)?;
                if let Some(primitive) = primitive(name) {
                    return Ok(primitive);
                }
                let name = rust_name(name);
                Ok(if self.bindings.contains(&name) {
                    format!("c::{name}")
                } else {
                    plain
                })
            }
            Type::Const { target } | Type::Qualified { target } => {
                self.spell(target, place, alias, depth)
            }
            other => Err(format!(
                "passes something by value that C cannot ({other:?})"
            )),
        }
    }

    fn pointer(&mut self, target: Id, depth: usize) -> Result<String, String> {
        let function = plain_id(self.btf, target)?;
        if let Type::Prototype { .. } = self.btf.get(function)? {
            let (parameters, result, variadic) = self.prototype(function, depth)?;
            let signature = Signature {
                parameters,
                result,
                variadic,
                ..Signature::default()
            };
            return Ok(match self.style {
                Style::Author => format!("Option<{}>", signature.pointer()),
                Style::Qualified => format!("::core::option::Option<{}>", signature.pointer()),
            });
        }
        let mutability = if is_const(self.btf, target)? {
            "const"
        } else {
            "mut"
        };
        Ok(format!(
            "*{mutability} {}",
            self.spell(target, Place::Pointee, None, depth)?
        ))
    }

    /// A struct or union. Without a name there is nothing the author could write but `c_void`.
    fn aggregate(
        &mut self,
        name: &str,
        alias: Option<&str>,
        size: Option<u32>,
        place: Place,
    ) -> Result<String, String> {
        let c_name = if name.is_empty() { alias } else { Some(name) };
        let Some(name) = c_name.map(rust_name) else {
            return match place {
                Place::Pointee => Ok(self.ffi("c_void")),
                Place::Value => Err("passes a struct without a name by value".into()),
            };
        };
        let path = format!("c::{name}");
        if place == Place::Value {
            let Some(size) = size.filter(|_| self.bindings.contains(&name)) else {
                return Err(format!(
                    "passes `{name}` by value, and the kernel's Rust bindings do not have that type"
                ));
            };
            self.found.sizes.insert(path.clone(), size);
        } else if !self.bindings.contains(&name) {
            self.found.opaque.insert(name);
        }
        Ok(path)
    }

    fn integer(
        &self,
        name: &str,
        size: u32,
        signed: bool,
        boolean: bool,
    ) -> Result<String, String> {
        // Two types of C may have one size and still be two types of Rust.
        let kind = match (size, signed) {
            (1, _) if boolean => return Ok("bool".into()),
            (1, _) if name == "char" => "c_char",
            (1, true) => "c_schar",
            (1, false) => "c_uchar",
            (2, true) => "c_short",
            (2, false) => "c_ushort",
            (4, true) => "c_int",
            (4, false) => "c_uint",
            (8, true) if name.contains("long long") => "c_longlong",
            (8, false) if name.contains("long long") => "c_ulonglong",
            (8, true) => "c_long",
            (8, false) => "c_ulong",
            (16, true) => return Ok("i128".into()),
            (16, false) => return Ok("u128".into()),
            _ => return Err(format!("passes an integer of {size} bytes (`{name}`)")),
        };
        Ok(self.ffi(kind))
    }

    /// A type of the `ffi` crate.
    fn ffi(&self, name: &str) -> String {
        match self.style {
            Style::Author => name.into(),
            Style::Qualified => format!("::kernel::ffi::{name}"),
        }
    }
}

/// The type behind typedefs and qualifiers.
fn plain(btf: &Btf, id: Id) -> Result<Type<'_>, String> {
    btf.get(plain_id(btf, id)?)
}

fn plain_id(btf: &Btf, mut id: Id) -> Result<Id, String> {
    for _ in 0..DEPTH {
        match btf.get(id)? {
            Type::Typedef { target, .. } | Type::Const { target } | Type::Qualified { target } => {
                id = target
            }
            _ => return Ok(id),
        }
    }
    Err("has a typedef that names itself: the BTF is damaged".into())
}

/// Whether what a pointer points at may not be written through it.
fn is_const(btf: &Btf, mut id: Id) -> Result<bool, String> {
    for _ in 0..DEPTH {
        match btf.get(id)? {
            Type::Const { .. } => return Ok(true),
            Type::Typedef { target, .. } | Type::Qualified { target } => id = target,
            // C puts the `const` of an array on its elements.
            Type::Array { element, .. } => id = element,
            _ => return Ok(false),
        }
    }
    Err("has a typedef that names itself: the BTF is damaged".into())
}

#[cfg(test)]
mod tests;
