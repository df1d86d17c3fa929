// SPDX-License-Identifier: GPL-2.0

//! Modules have no system calls.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    fat: { syscall kill: fn(c_int, c_int) -> c_long => kill },
}

fn kill(_pid: c_int, _sig: c_int) -> c_long {
    0
}
