// SPDX-License-Identifier: GPL-2.0

//! Compiles: system calls with and without arguments, safe and unsafe.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        syscall kill: fn(pid: c_int, sig: c_int) -> c_long => kill,
        syscall getpid: fn() -> c_long => getpid,
        syscall getpriority: fn(c_int, c_int) -> c_long => kill,
        syscall read: unsafe fn(u32, *mut c_char, usize) -> c_long => read,
    },
}

fn kill(_pid: c_int, _sig: c_int) -> c_long {
    0
}

fn getpid() -> c_long {
    1
}

/// # Safety
///
/// None is needed.
unsafe fn read(_file: u32, _to: *mut c_char, _count: usize) -> c_long {
    0
}
