// SPDX-License-Identifier: GPL-2.0

//! The loop of the stopper threads: must be refused.

use molt::prelude::*;

patch! {
    description: "The loop of the stopper threads: must be refused",
    license: "GPL",
    vmlinux: {
        multi_cpu_stop: unsafe extern "C" fn(*mut c_void) -> c_int => stop,
    },
}

/// Would replace `multi_cpu_stop`.
extern "C" fn stop(_data: *mut c_void) -> c_int {
    0
}
