// SPDX-License-Identifier: GPL-2.0

//! Addresses of code, by what is there.

/// Where a function begins, as its symbol says. It tells the function from all others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FunctionAddress(pub(crate) usize);

/// Where ftrace calls at the entry of a function: the address of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct FtraceSite(pub(crate) usize);

/// Where calls of a redirected function go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallTarget {
    /// To the function itself.
    Original,
    /// To the replacement that begins here.
    Replacement(FunctionAddress),
}
