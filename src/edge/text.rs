// SPDX-License-Identifier: GPL-2.0

//! The address of code.

/// Address of a replacement function: compared, stored and jumped to, never dereferenced.
#[derive(Clone, Copy)]
pub struct Text(*const ());

// SAFETY: only a number as far as Rust is concerned.
unsafe impl Send for Text {}
// SAFETY: as above.
unsafe impl Sync for Text {}

impl Text {
    /// Names `function`, any function item cast to a pointer.
    pub const fn new(function: *const ()) -> Self {
        Self(function)
    }

    /// As a number.
    pub(crate) fn address(self) -> usize {
        self.0 as usize
    }
}
