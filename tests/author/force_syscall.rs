// SPDX-License-Identifier: GPL-2.0

//! A system call cannot be forced.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { force syscall kill: fn(c_int, c_int) -> c_long => kill },
}

fn kill(_pid: c_int, _sig: c_int) -> c_long {
    0
}
