// SPDX-License-Identifier: GPL-2.0

//! molt replaces functions of a running kernel.
//!
//! A patch module declares replacements with [`patch!`](prelude::patch). When it is loaded, the
//! core arms the functions with ftrace, looks at the stack of every task, stops the machine for a
//! moment, verifies that nobody is inside, and switches all functions with one store.
//!
//! Read in this order: [`api`] (what a patch says), [`transaction`] (what happens then), [`site`]
//! and [`gate`] (what is switched), [`scan`] (who is in the way), [`late`] (modules that come and
//! go), [`worker`], [`request`] and [`control`] (who asks). Everything `unsafe` is in [`edge`], one
//! file per subsystem of the kernel.

mod api;
mod below;
mod blockers;
#[cfg(molt_check)]
mod check;
mod cleanup;
mod consistency;
mod control;
mod departure;
mod edge;
mod error;
mod exits;
mod function;
mod gate;
mod give_back;
mod judge;
mod late;
mod leaving;
mod member_set;
mod object;
mod outcome;
mod patch;
mod plan;
pub mod prelude;
mod ranges;
mod redirection;
mod refused;
mod registry;
mod request;
mod requester;
mod scan;
mod shared;
mod site;
mod state;
mod status;
mod steady;
mod syscall;
mod targets;
mod tending;
mod transaction;
mod transition;
mod trial;
mod turns;
mod unique_queue;
mod worker;

use core::borrow::Borrow;
use kernel::{prelude::*, sync::Arc};

/// The kernel's C types by their C names, for the signatures of replacements.
pub mod c {
    pub use kernel::bindings::*;
}

/// For the code that `patch!` writes.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        api::{Callbacks, Declaration, Function, Object, Registration},
        edge::{state::StateHead, text::Text},
        syscall::Argument,
    };
    pub use kernel;
}

module! {
    type: Molt,
    name: "molt",
    authors: ["The molt developers"],
    description: "Live patching: replaces functions of the running kernel",
    license: "GPL",
    params: {
        budget_us: u32 {
            default: 10_000,
            description: "Microseconds for which a stop window may hold the CPUs (0: no limit)",
        },
        poke_ms: u32 {
            default: 0,
            description: "Milliseconds after which tasks are woken that a transition waits for (0: never)",
        },
    },
}

/// The core module. Patch modules depend on it, so it cannot be unloaded before them.
struct Molt {
    // First, because fields are dropped in this order: then nobody finds the core any more.
    _published: edge::global::Published,
    _core: Arc<worker::Core>,
}

impl kernel::Module for Molt {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // The value, or a reference to it: releases differ.
        let budget_us = module_parameters::budget_us.value();
        let poke_ms = module_parameters::poke_ms.value();
        let core = worker::Core::new(
            *Borrow::<u32>::borrow(&budget_us),
            *Borrow::<u32>::borrow(&poke_ms),
        )?;
        Ok(Self {
            _published: edge::global::publish(core.clone()),
            _core: core,
        })
    }
}
