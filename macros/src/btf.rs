// SPDX-License-Identifier: GPL-2.0

//! Reads BTF, the kernel's own description of its types and functions.
//!
//! The format is `Documentation/bpf/btf.rst`. A module's BTF is *split*: its type and string
//! numbers go on where those of its base, the kernel's BTF, end.
//!
//! The reader trusts nothing: a number that points outside the data is an error with words.

mod layout;

use std::rc::Rc;

use self::layout::{starts, Info};
use crate::elf::{u16_at, u32_at};

const MAGIC: u16 = 0xeb9f;
/// Length of the header that every version has.
const HEADER: usize = 24;
/// Length of the header that also names a layout section.
const HEADER_WITH_LAYOUT: usize = 32;
/// Length of what every type starts with: name, info, and size or type.
const TYPE: usize = 12;

/// The kind of a type that says: this is a function.
const FUNCTION: u32 = 12;

/// The number of a type; 0 is `void`.
pub(crate) type Id = u32;

/// One type, or a function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Type<'b> {
    Void,
    Integer {
        name: &'b str,
        size: u32,
        signed: bool,
        boolean: bool,
    },
    Float {
        name: &'b str,
    },
    Pointer {
        target: Id,
    },
    Array {
        element: Id,
        count: u32,
    },
    Struct {
        name: &'b str,
        size: u32,
    },
    Union {
        name: &'b str,
        size: u32,
    },
    /// A struct or union that is declared and not defined.
    Forward {
        name: &'b str,
        union: bool,
    },
    Enum {
        name: &'b str,
        size: u32,
        signed: bool,
    },
    Typedef {
        name: &'b str,
        target: Id,
    },
    Const {
        target: Id,
    },
    /// `volatile`, `restrict` or an attribute: nothing that Rust's types tell apart.
    Qualified {
        target: Id,
    },
    Function {
        name: &'b str,
        prototype: Id,
    },
    Prototype {
        result: Id,
        parameters: Vec<Parameter<'b>>,
        variadic: bool,
    },
    /// Variables, sections and tags of declarations.
    Other,
}

/// One parameter of a function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameter<'b> {
    pub(crate) name: &'b str,
    pub(crate) kind: Id,
}

/// The types of one object, with those of its base.
#[derive(Debug)]
pub(crate) struct Btf {
    base: Option<Rc<Btf>>,
    types: Vec<u8>,
    /// Where each type starts in `types`.
    starts: Vec<u32>,
    first_id: Id,
    strings: Vec<u8>,
    first_string: u32,
}

impl Btf {
    /// Reads the content of a `.BTF` section.
    pub(crate) fn read(data: &[u8], base: Option<Rc<Btf>>) -> Result<Self, String> {
        let word = |at: usize| u32_at(data, at).ok_or("the BTF header is cut short");
        if u16_at(data, 0) != Some(MAGIC) {
            return Err("not BTF (wrong magic number, or another byte order)".into());
        }
        let header = usize::try_from(word(4)?).map_err(|_| "the BTF header is too long")?;
        if header < HEADER {
            return Err(format!(
                "the BTF header has {header} bytes, at least {HEADER} expected"
            ));
        }
        let part = |what: &str, at: usize| -> Result<&[u8], String> {
            let start = header.checked_add(word(at)? as usize);
            let end = start.and_then(|start| start.checked_add(word(at + 4).ok()? as usize));
            start
                .zip(end)
                .and_then(|(start, end)| data.get(start..end))
                .ok_or_else(|| format!("the {what} of the BTF reach past its end"))
        };
        let types = part("types", 8)?;
        let strings = part("strings", 16)?;
        let layout = if header >= HEADER_WITH_LAYOUT {
            part("layouts", 24)?
        } else {
            &[]
        };
        let starts = starts(types, layout)?;
        let (first_id, first_string) = match &base {
            Some(base) => (base.next_id(), base.next_string()),
            None => (1, 0),
        };
        Ok(Btf {
            base,
            types: types.to_vec(),
            starts,
            first_id,
            strings: strings.to_vec(),
            first_string,
        })
    }

    /// Whether this BTF goes on where another ends. BTF that stands alone has the empty string
    /// first, as number 0; split BTF finds it in its base.
    pub(crate) fn is_split(data: &[u8]) -> bool {
        let strings = u32_at(data, 4).zip(u32_at(data, 16));
        let first = strings.and_then(|(header, offset)| header.checked_add(offset));
        first.and_then(|first| data.get(first as usize)) != Some(&0)
    }

    fn next_id(&self) -> Id {
        self.first_id + self.starts.len() as u32
    }

    fn next_string(&self) -> u32 {
        self.first_string + self.strings.len() as u32
    }

    /// The functions of this object itself, its base's not among them, with their prototypes. One
    /// name may stand for several functions.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, Id)> {
        self.starts
            .iter()
            .filter(|&&start| {
                let info = u32_at(&self.types, start as usize + 4);
                info.is_some_and(|info| Info(info).kind() == FUNCTION)
            })
            .filter_map(|&start| match self.decode(start as usize) {
                Some(Type::Function { name, prototype }) => Some((name, prototype)),
                _ => None,
            })
    }

    /// The type with this number.
    pub(crate) fn get(&self, id: Id) -> Result<Type<'_>, String> {
        if id == 0 {
            return Ok(Type::Void);
        }
        let Some(index) = id.checked_sub(self.first_id) else {
            let base = self
                .base
                .as_deref()
                .ok_or("a type number below the first one")?;
            return base.get(id);
        };
        let start = self.starts.get(index as usize).ok_or_else(|| {
            format!("BTF type {id} does not exist: is this the BTF of another kernel?")
        })?;
        self.decode(*start as usize)
            .ok_or_else(|| format!("BTF type {id} is damaged"))
    }

    fn decode(&self, start: usize) -> Option<Type<'_>> {
        let word = |index: usize| u32_at(&self.types, start + 4 * index);
        let info = Info(word(1)?);
        // A size or a type, as the kind has it.
        let operand = word(2)?;
        let name = || self.string(word(0)?);
        Some(match info.kind() {
            1 => {
                let encoding = word(3)? >> 24;
                Type::Integer {
                    name: name()?,
                    size: operand,
                    signed: encoding & 1 != 0,
                    boolean: encoding & 4 != 0,
                }
            }
            2 => Type::Pointer { target: operand },
            3 => Type::Array {
                element: word(3)?,
                count: word(5)?,
            },
            4 => Type::Struct {
                name: name()?,
                size: operand,
            },
            5 => Type::Union {
                name: name()?,
                size: operand,
            },
            6 | 19 => Type::Enum {
                name: name()?,
                size: operand,
                signed: info.flag(),
            },
            7 => Type::Forward {
                name: name()?,
                union: info.flag(),
            },
            8 => Type::Typedef {
                name: name()?,
                target: operand,
            },
            10 => Type::Const { target: operand },
            9 | 11 | 18 => Type::Qualified { target: operand },
            FUNCTION => Type::Function {
                name: name()?,
                prototype: operand,
            },
            13 => self.prototype(start, operand, info.length())?,
            16 => Type::Float { name: name()? },
            _ => Type::Other,
        })
    }

    fn prototype(&self, start: usize, result: Id, count: usize) -> Option<Type<'_>> {
        let mut parameters = Vec::new();
        let mut variadic = false;
        for at in (0..count).map(|index| start + TYPE + 8 * index) {
            let (name, kind) = (u32_at(&self.types, at)?, u32_at(&self.types, at + 4)?);
            // `...` is written as a last parameter without name and type.
            variadic = name == 0 && kind == 0;
            if !variadic {
                parameters.push(Parameter {
                    name: self.string(name)?,
                    kind,
                });
            }
        }
        Some(Type::Prototype {
            result,
            parameters,
            variadic,
        })
    }

    fn string(&self, offset: u32) -> Option<&str> {
        let Some(offset) = offset.checked_sub(self.first_string) else {
            return self.base.as_deref()?.string(offset);
        };
        let rest = self.strings.get(offset as usize..)?;
        let end = rest.iter().position(|&byte| byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok()
    }
}

#[cfg(test)]
pub(crate) mod tests;
