// SPDX-License-Identifier: GPL-2.0

//! A system call is replaced by a function of Rust.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { syscall kill: unsafe extern "C" fn(c_int, c_int) -> c_long => kill },
}

fn kill(_pid: c_int, _sig: c_int) -> c_long {
    0
}
