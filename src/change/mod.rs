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
//!
//! Who does what in a change that leaves tasks behind:
//!
//! | thread | does |
//! |---|---|
//! | the requester (`insmod`, a write) | queues the request and sleeps ([`requester`]) |
//! | the worker of changes | arms, scans, stops, flips; queues the transition; answers |
//! | the worker of the transition | looks, wakes, completes, calls back ([`per_task::follow`]) |
//! | a straggler, switched out or on its way to user mode | leaves the set by itself |
//! | a straggler that forks | adds its child to the set |
//! | a writer to `force` | empties the set, and completes the transition if nobody is left |
//! | a writer to `poke` | sets a flag; the worker of the transition sees it at its next look |
//! | the worker of changes, asked for the opposite | begins a transition that leads back |
//! | a task that loads or unloads a module | adds functions to the transition, or takes them out |

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
