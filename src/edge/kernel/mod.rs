// SPDX-License-Identifier: GPL-2.0

//! The kernel's C side, one file per subsystem.

pub(crate) mod bpf;
pub(crate) mod clock;
pub(crate) mod completion;
pub(crate) mod errno;
pub(crate) mod hotplug;
pub(crate) mod jumps;
pub(crate) mod modules;
pub(crate) mod queue;
pub(crate) mod slot;
pub(crate) mod stop;
pub(crate) mod symbols;
pub(crate) mod sysfs;
pub(crate) mod tasks;
pub(crate) mod text;
pub(crate) mod tracepoint;
