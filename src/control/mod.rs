// SPDX-License-Identifier: GPL-2.0

//! What `/sys/kernel/molt` shows and takes. The ABI is described in `docs/abi.md`.
//!
//! ```text
//! /sys/kernel/molt/
//! ├── last_error  blockers              the last refusal of any patch
//! ├── budget_us                         for how long a stop window may hold the CPUs
//! ├── poke_ms                           after which stragglers are woken; 0 for never
//! ├── consistency                       of patches that choose none
//! └── <patch>/
//!     ├── enabled                       0 or 1; writing asks for the change and waits for it
//!     ├── redirect  direct              how calls are redirected: chosen, and in force
//!     ├── state  transition  consistency  replace  forced  stack_order
//!     ├── tasks_left  poke  force       of a transition: its stragglers, and what ends it sooner
//!     ├── stop_ns  attempts  tasks_scanned  tasks_verified  overflows
//!     ├── last_error  blockers          of the last change of this patch
//!     └── <object>/
//!         ├── patched  state
//!         └── <function,sympos>/
//!             ├── old_addr  new_addr    for root only
//!             └── force
//! ```
//!
//! **Belongs here**: directories and files, and how a value is written and read. No decision.
//!
//! **May use**: all rooms below, to read them; [`crate::change::engine`], to ask for a change.
//!
//! **Runs**: in the task that reads or writes a file; process context, may sleep.

pub(crate) mod core;
mod object;
pub(crate) mod patch;
mod text;
