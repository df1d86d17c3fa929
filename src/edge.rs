// SPDX-License-Identifier: GPL-2.0

//! Where molt meets the kernel's C code: one file per subsystem, holding all of the core's `unsafe`
//! and no policy. A change in the kernel is a change in one of these files.

pub(crate) mod bindings;
pub(crate) mod bpf;
pub(crate) mod clock;
pub(crate) mod completion;
pub(crate) mod errand;
pub(crate) mod errno;
pub(crate) mod ftrace;
pub(crate) mod global;
pub(crate) mod handler;
pub(crate) mod hotplug;
pub(crate) mod jumps;
pub(crate) mod junction;
pub(crate) mod migration;
pub(crate) mod modules;
pub(crate) mod notifier;
pub(crate) mod queue;
pub(crate) mod recorder;
pub(crate) mod relocation;
pub(crate) mod retired;
pub(crate) mod shadow;
pub(crate) mod stack;
pub(crate) mod state;
pub(crate) mod stop;
pub(crate) mod symbols;
pub(crate) mod sysfs;
pub(crate) mod task_queue;
pub(crate) mod tasks;
pub(crate) mod text;
pub(crate) mod this_cpu;
pub(crate) mod tracepoint;
pub(crate) mod watch;
