// SPDX-License-Identifier: GPL-2.0

//! Where molt meets the kernel's C code and the instruction set: all of the core's `unsafe`.
//!
//! **Belongs here**: what needs `unsafe`, and nothing that decides. [`kernel`] wraps the kernel's C
//! side, one file per subsystem, so a change in the kernel is a change in one of these files.
//! [`klp`] holds what the kernel's own livepatch does for molt: private symbols and shadow
//! variables. [`mechanism`] has molt's own mechanisms: the handler and what it reads, transitions,
//! the record of tasks that ran. [`arch`] is the folder of the instruction set, `arch/x86_64`.
//!
//! **May use**: [`crate::pure`]. Within the room `mechanism` stands on `klp`, `arch` and `kernel`,
//! and `klp` and `arch` stand on `kernel`. Only this room uses [`bindings`].
//!
//! **Runs**: in every context there is. Each function says in which one it may be called; the
//! handler and the probes run in whatever context the kernel calls them.

#[cfg(CONFIG_X86_64)]
#[path = "arch/x86_64/mod.rs"]
pub(crate) mod arch;
pub(crate) mod bindings;
pub(crate) mod kernel;
pub(crate) mod klp;
pub(crate) mod mechanism;
