// SPDX-License-Identifier: GPL-2.0
//! Why a module is refused.

use crate::arch::type_name;
use std::fmt;

/// One thing that would make the module fail to load, or fail once loaded.
#[allow(
    missing_docs,
    reason = "the words of `Display` say what the fields are"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// An undefined symbol that nothing exports.
    NotExported { symbol: String },
    /// A GPL-only export, and the module's license is another.
    GplOnly { symbol: String, owner: String },
    /// An export in a namespace that the module does not import.
    Namespace {
        symbol: String,
        owner: String,
        namespace: String,
    },
    /// `.klp.sym.` followed by what the kernel cannot parse.
    Malformed { symbol: String, why: &'static str },
    /// A private symbol of a module; the loader keeps what these need of marked modules alone.
    NotLivepatch { symbol: String },
    /// The module that has the symbol cannot be read.
    Unreadable {
        symbol: String,
        object: String,
        why: String,
    },
    /// The kernel image, or the module, has no such symbol.
    NotThere {
        symbol: String,
        object: String,
        name: String,
    },
    /// Several symbols of that name, and the position is 0.
    Ambiguous { symbol: String, count: usize },
    /// Fewer symbols of that name than the position says.
    NoSuchPosition { symbol: String, count: usize },
    /// Its memory is freed after boot, or after the module's start.
    Init { symbol: String },
    /// A direct call of data.
    CallOfData { symbol: String, place: Place },
    /// A function whose address is taken, and calling it there would stop a CPU with IBT.
    FunctionAddress {
        symbol: String,
        place: Place,
        why: &'static str,
    },
    /// A relocation type that the kernel's loader does not apply.
    UnsupportedRelocation {
        symbol: String,
        place: Place,
        r_type: u32,
    },
    /// The relocated place holds something already, which the loader takes for a mistake.
    NotZero { symbol: String, place: Place },
    /// A use in a section that must not name private symbols.
    ForbiddenSection {
        symbol: String,
        place: Place,
        why: &'static str,
    },
    /// Unresolved private symbols beside livepatch relocations made by another tool.
    AlreadyLivepatch { section: String },
}

/// A place in the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the section.
    pub section: String,
    /// Offset in it.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}", self.section, self.offset)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotExported { symbol } => write!(
                f,
                "{symbol}: undefined, and exported neither by the kernel nor by a module given"
            ),
            Self::GplOnly { symbol, owner } => write!(
                f,
                "{symbol}: exported by {owner} to GPL-compatible modules only, and this one's \
                 license is not"
            ),
            Self::Namespace {
                symbol,
                owner,
                namespace,
            } => write!(
                f,
                "{symbol}: exported by {owner} in namespace {namespace}, which the module does \
                 not import"
            ),
            Self::Malformed { symbol, why } => write!(
                f,
                "{symbol}: not of the form .klp.sym.<object>.<name>,<position>: {why}"
            ),
            Self::NotLivepatch { symbol } => write!(
                f,
                "{symbol}: a private symbol of a module, which only a patch can have: a module with \
                 livepatch=Y in its modinfo, as patch! makes it"
            ),
            Self::Unreadable {
                symbol,
                object,
                why,
            } => write!(f, "{symbol}: the module {object} cannot be read: {why}"),
            Self::NotThere {
                symbol,
                object,
                name,
            } => write!(f, "{symbol}: {} has no symbol {name}", words(object)),
            Self::Ambiguous { symbol, count } => write!(
                f,
                "{symbol}: ambiguous, there are {count} symbols of that name; say which by a \
                 position from 1 to {count}"
            ),
            Self::NoSuchPosition { symbol, count } => {
                write!(f, "{symbol}: there are only {count} of that name")
            }
            Self::Init { symbol } => write!(
                f,
                "{symbol}: in init memory, which is freed after the start"
            ),
            Self::CallOfData { symbol, place } => {
                write!(f, "{symbol}: called at {place}, but it is data")
            }
            Self::FunctionAddress { symbol, place, why } => write!(
                f,
                "{symbol}: its address is taken at {place}, but {why}: a call through a pointer \
                 would stop the kernel on CPUs with IBT. Call it by its name; if the address is \
                 only compared, allow it (--allow-address)"
            ),
            Self::UnsupportedRelocation {
                symbol,
                place,
                r_type,
            } => write!(
                f,
                "{symbol}: used at {place} by relocation {}, which the kernel's module loader \
                 does not apply",
                type_name(*r_type)
            ),
            Self::NotZero { symbol, place } => write!(
                f,
                "{symbol}: used at {place}, where the file has other bytes than zero; the kernel's \
                 module loader refuses that"
            ),
            Self::ForbiddenSection { symbol, place, why } => {
                write!(f, "{symbol}: used at {place}: {why}")
            }
            Self::AlreadyLivepatch { section } => write!(
                f,
                "the module has livepatch relocations already (for {section}) and unresolved \
                 private symbols too"
            ),
        }
    }
}

fn words(object: &str) -> String {
    match object {
        "vmlinux" => "the kernel".into(),
        module => format!("the module {module}"),
    }
}
