// SPDX-License-Identifier: GPL-2.0

//! What knows x86-64: the entries of system calls, after
//! `arch/x86/include/asm/syscall_wrapper.h`.
//!
//! A system call with arguments has an entry for programs of 64 bits and, where the kernel runs
//! programs of 32 bits, one for these.

/// Where a system call with arguments is entered by programs of 64 and of 32 bits, and the
/// registers that its arguments are in.
pub(crate) const ENTRIES: [(&str, &str, [&str; 6]); 2] = [
    (
        "__x64_sys_",
        "native",
        ["di", "si", "dx", "r10", "r8", "r9"],
    ),
    (
        "__ia32_sys_",
        "compat",
        ["bx", "cx", "dx", "si", "di", "bp"],
    ),
];

/// Where one without arguments begins.
pub(crate) const BODY: &str = "__do_sys_";

/// What an entry is given.
pub(crate) const REGISTERS: &str = "*const c::pt_regs";
