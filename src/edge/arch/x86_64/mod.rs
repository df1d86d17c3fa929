// SPDX-License-Identifier: GPL-2.0

//! What knows x86-64.
//!
//! The pure half has no `unsafe`, uses nothing but [`crate::pure`], and is compiled for the host's
//! tests as well: [`call`], [`names`], [`syscall`]. The other half reads registers and stacks:
//! [`handler`], [`stack`], [`this_cpu`].

pub(crate) mod call;
pub(crate) mod handler;
pub(crate) mod names;
pub(crate) mod stack;
pub(crate) mod syscall;
pub(crate) mod this_cpu;
