// SPDX-License-Identifier: GPL-2.0
//! What is known of a symbol where it is defined, in the kernel or in a module.

/// Whether a call through a pointer may land on a function when the CPU has IBT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// It begins with ENDBR, and the kernel leaves it there.
    Kept,
    /// It has none, or the kernel overwrites it (`apply_seal_endbr()`).
    Sealed,
    /// Only the image can tell.
    Unknown,
}

/// One symbol of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Whether it is a function.
    pub text: bool,
    /// Whether its memory is given back after the kernel has booted, or the module has started.
    pub init: bool,
    /// Whether a pointer to it may be called.
    pub landing: Landing,
}
