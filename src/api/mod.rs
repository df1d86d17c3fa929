// SPDX-License-Identifier: GPL-2.0

//! What a patch module sees of the core.
//!
//! **Belongs here**: the declaration that `patch!` writes, what callbacks are told, and the words
//! in which an author chooses. This is a binary interface between two modules: a change of a type
//! in it raises `MOLT_API` in `Kbuild`.
//!
//! **May use**: [`crate::edge`], [`crate::pure`].
//!
//! **Runs**: in a patch module, at load and in its callbacks; process context.

pub(crate) mod consistency;
pub(crate) mod declaration;
pub mod prelude;
pub(crate) mod target;
