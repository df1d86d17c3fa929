// SPDX-License-Identifier: GPL-2.0

//! What knows x86-64.
//!
//! The pure half has no `unsafe` and is compiled for the host's tests, too: [`syscall`].
//! The other half reads registers, stacks and code.

pub(crate) mod stack;
pub(crate) mod syscall;
pub(crate) mod this_cpu;
