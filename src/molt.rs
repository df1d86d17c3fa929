// SPDX-License-Identifier: GPL-2.0

//! molt replaces functions of a running kernel.
//!
//! A patch module declares replacements with [`patch!`](prelude::patch). When it is loaded, the
//! core arms the functions with ftrace, looks at the stack of every task, stops the machine for a
//! moment, verifies that nobody is inside, and switches all functions with one store.
//!
//! The rooms, from the top; each uses only rooms below it, and its page says what belongs in it:
//!
//! | room | what it is about |
//! |---|---|
//! | [`loader`] | patch modules that are loaded and unloaded |
//! | [`control`] | what `/sys/kernel/molt` shows and takes |
//! | [`change`] | how a change is made |
//! | [`registry`] | the enabled patches in their order, and the functions they are on |
//! | [`patch`] | one patch: what it declares, and where it stands |
//! | [`error`] | why a change is refused |
//! | [`api`] | what a patch module sees of the core |
//! | [`stacks`] | where every task is |
//! | [`edge`] | the kernel's C side and molt's own mechanisms: all `unsafe` |
//! | [`pure`] | logic that knows no kernel and runs on the host, too |

mod api;
mod change;
mod control;
mod edge;
mod error;
mod loader;
mod patch;
mod pure;
mod registry;
mod stacks;

pub use api::prelude;

use core::borrow::Borrow;
use kernel::prelude::*;

/// The kernel's C types by their C names, for the signatures of replacements.
pub mod c {
    pub use kernel::bindings::*;
}

/// For the code that `patch!` writes.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        api::declaration::{
            Callbacks,
            Declaration,
            Function,
            Object, //
        },
        edge::{
            arch::syscall::Argument,
            kernel::text::Text,
            mechanism::state::StateHead, //
        },
        loader::Registration, //
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
    _running: loader::Running,
}

impl kernel::Module for Molt {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // The value, or a reference to it: releases differ.
        let budget_us = module_parameters::budget_us.value();
        let poke_ms = module_parameters::poke_ms.value();
        let running = loader::Loader::start(
            *Borrow::<u32>::borrow(&budget_us),
            *Borrow::<u32>::borrow(&poke_ms),
        )?;
        Ok(Self { _running: running })
    }
}
