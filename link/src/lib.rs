// SPDX-License-Identifier: GPL-2.0
//! Turns the private symbols of a finished kernel module into livepatch relocations.
//!
//! The format is the kernel's own, `Documentation/livepatch/module-elf-format.rst`; the reader of
//! it is `klp_apply_section_relocs()` in `kernel/livepatch/core.c`. For the object `vmlinux`,
//! `apply_relocations()` in `kernel/module/main.c` calls that while *any* module loads, so nothing
//! else is needed to reach what the kernel does not export. For a module as object, molt's core
//! calls it when that module is patched, which may be long after the patch was loaded.

pub mod arch;
pub mod check;
pub mod definition;
pub mod exports;
pub mod file;
pub mod kallsyms;
pub mod kernel_image;
pub mod kernel_symbols;
pub mod klp;
pub mod module;
#[path = "../../macros/src/module_file.rs"]
mod module_file;
pub mod module_symbols;
pub mod modules;
pub mod problem;
pub mod relocation;
