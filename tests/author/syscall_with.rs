// SPDX-License-Identifier: GPL-2.0

//! A system call that has arguments is given none.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { syscall kill: fn() -> c_long => kill },
}

fn kill() -> c_long {
    0
}
