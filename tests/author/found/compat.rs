// SPDX-License-Identifier: GPL-2.0

//! A system call that has an entry of its own for programs of 32 bits, which is not replaced.

use molt::prelude::*;

patch! {
    description: "times() is refused, for programs of 64 bits",
    license: "GPL",
    vmlinux: { syscall times: fn(buffer: *mut c_void) -> c_long => refuse },
}

fn refuse(_buffer: *mut c_void) -> c_long {
    EPERM.to_errno() as c_long
}
