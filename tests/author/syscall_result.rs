// SPDX-License-Identifier: GPL-2.0

//! The result of a system call is a long.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { syscall kill: fn(c_int, c_int) -> c_int => kill },
}

fn kill(_pid: c_int, _sig: c_int) -> c_int {
    0
}
