// SPDX-License-Identifier: GPL-2.0

//! An entry of a system call is replaced by its name too.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        __x64_sys_kill => entry,
        syscall kill: fn(c_int, c_int) -> c_long => kill,
    },
}

fn kill(_pid: c_int, _sig: c_int) -> c_long {
    0
}

unsafe extern "C" fn entry(_registers: *const c::pt_regs) -> c_long {
    0
}
