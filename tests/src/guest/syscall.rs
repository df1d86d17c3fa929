// SPDX-License-Identifier: GPL-2.0
//! System calls as programs of 64 and of 32 bits make them.

use std::arch::asm;
use std::io;

/// The six registers of arguments.
pub type Arguments = [u64; 6];

/// What a program of 64 bits does. Only for system calls that take no pointers.
pub fn native(number: libc::c_long, arguments: Arguments) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the kernel reads and writes no memory for these.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    match (result, io::Error::last_os_error().raw_os_error()) {
        (-1, Some(errno)) => -i64::from(errno),
        _ => result,
    }
}

/// What a program of 32 bits does, and what such a one cannot: it fills the upper halves too. Only
/// for system calls that take no pointers.
pub fn compat(number: u64, arguments: Arguments) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the kernel reads and writes no memory for these; both registers that the compiler
    // keeps to itself have their values again.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "mov rbx, r12",
            "mov rbp, r13",
            "int 0x80",
            "pop rbp",
            "pop rbx",
            inlateout("rax") number => result,
            in("r12") a,
            in("rcx") b,
            in("rdx") c,
            in("rsi") d,
            in("rdi") e,
            in("r13") f,
            lateout("r8") _,
            lateout("r9") _,
            lateout("r10") _,
            lateout("r11") _,
        );
    }
    result
}
