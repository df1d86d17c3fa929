// SPDX-License-Identifier: GPL-2.0

//! Two functions of the kernel are called `m_show`: the one behind /proc/modules, and the one
//! behind /proc/PID/mounts. This patch means the second, by address. The first stays as it is.

use molt::prelude::*;

patch! {
    description: "Hides what is mounted",
    license: "GPL",
    vmlinux: { m_show[2] => nothing },
}

/// Replaces `m_show` of `fs/namespace.c`.
extern "C" fn nothing(_m: *mut c::seq_file, _mount: *mut c_void) -> c_int {
    0
}
