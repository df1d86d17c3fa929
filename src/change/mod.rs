// SPDX-License-Identifier: GPL-2.0

//! How a change is made.
//!
//! **Belongs here**: everything that moves patches and functions from one state to the next: what a
//! user asks for ([`request`]), the transaction and its phases ([`transaction`], [`plan`],
//! [`attempt`], [`finish`]), changes that leave tasks behind ([`per_task`]), modules that come and
//! go ([`module`]), the last look before a patch module is freed ([`unload`]), and BPF programs
//! that want a function ([`bpf`]).
//!
//! **May use**: all rooms below: [`crate::registry`], [`crate::patch`], [`crate::api`],
//! [`crate::stacks`], [`crate::edge`], [`crate::pure`].
//!
//! **Runs**: in the core's own worker, except that [`module`] runs in the task that loads or
//! unloads a module, [`unload`] in the task that removes a patch module, and [`requester`] in the
//! task that waits for an answer.

pub(crate) mod attempt;
pub(crate) mod bpf;
pub(crate) mod engine;
pub(crate) mod finish;
pub(crate) mod module;
pub(crate) mod per_task;
pub(crate) mod plan;
pub(crate) mod request;
pub(crate) mod requester;
pub(crate) mod transaction;
pub(crate) mod unload;
