// SPDX-License-Identifier: GPL-2.0

//! The kernel's BTF contradicts the arguments of a system call.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { syscall getpriority: fn(c_int, c_long) -> c_long => priority },
}

fn priority(_which: c_int, _who: c_long) -> c_long {
    0
}
