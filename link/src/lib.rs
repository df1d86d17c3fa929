// SPDX-License-Identifier: GPL-2.0
//! Turns the private symbols of a finished kernel module into livepatch relocations.
//!
//! The format is the kernel's own, `Documentation/livepatch/module-elf-format.rst`; the reader of
//! it is `klp_apply_section_relocs()` in `kernel/livepatch/core.c`, which `apply_relocations()` in
//! `kernel/module/main.c` calls for the object `vmlinux` while *any* module loads. What is done
//! here is therefore all that a module needs to reach what the kernel does not export.

pub mod check;
pub mod edit;
pub mod exports;
pub mod file;
pub mod kallsyms;
pub mod kernel_image;
pub mod kernel_symbols;
pub mod module;
pub mod private_symbol;
pub mod problem;
pub mod relocation;
