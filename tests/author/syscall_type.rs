// SPDX-License-Identifier: GPL-2.0

//! A type that no register holds.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { syscall kill: fn(c_int, Option<c_int>) -> c_long => kill },
}

fn kill(_pid: c_int, _sig: Option<c_int>) -> c_long {
    0
}
