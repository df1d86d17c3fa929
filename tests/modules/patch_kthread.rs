// SPDX-License-Identifier: GPL-2.0

//! The function at the bottom of every kernel thread: must be refused.

use molt::prelude::*;

patch! {
    description: "The function at the bottom of every kernel thread: must be refused",
    license: "GPL",
    vmlinux: {
        kthread: unsafe extern "C" fn(*mut c_void) -> c_int => thread,
    },
}

/// Would replace `kthread`.
extern "C" fn thread(_create: *mut c_void) -> c_int {
    0
}
