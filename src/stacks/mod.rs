// SPDX-License-Identifier: GPL-2.0

//! Where every task is.
//!
//! **Belongs here**: looking at all tasks ([`scan`]), what is thought of each ([`judge`]), which
//! stand in the way and how they are named ([`blockers`]), and the tasks that no list has any more
//! ([`exits`]). In the build for tests each verdict is checked against a second one (`crosscheck`).
//!
//! **May use**: [`crate::edge`], [`crate::pure`]. It knows neither patches nor functions: what it
//! is given are ranges of addresses.
//!
//! **Runs**: in the worker, and while all CPUs are held, where nothing allocates, locks or prints.
//! [`exits`] is also called by every task that exits.

pub(crate) mod blockers;
#[cfg(molt_check)]
pub(crate) mod crosscheck;
pub(crate) mod exits;
pub(crate) mod judge;
pub(crate) mod scan;
