// SPDX-License-Identifier: GPL-2.0

//! The address of code.

use crate::pure::address::FunctionAddress;

/// Address of a replacement function: compared, stored and jumped to, never dereferenced.
#[derive(Clone, Copy)]
pub struct Text(*const ());

// SAFETY: only a number as far as Rust is concerned.
unsafe impl Send for Text {}
// SAFETY: as above.
unsafe impl Sync for Text {}

impl Text {
    /// Names `function`, a function item cast to a pointer.
    ///
    /// # Safety
    ///
    /// The kernel will call it instead of the function that it is declared to replace: it must have
    /// that function's type and keep to its contract.
    pub const unsafe fn new(function: *const ()) -> Self {
        Self(function)
    }

    /// Where it begins.
    pub(crate) fn address(self) -> FunctionAddress {
        FunctionAddress(self.0 as usize)
    }
}
