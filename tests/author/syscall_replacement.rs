// SPDX-License-Identifier: GPL-2.0

//! The replacement of a system call has other arguments than it says.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { syscall kill: fn(c_int, c_long) -> c_long => kill },
}

fn kill(_pid: c_int, _sig: c_int) -> c_long {
    0
}
