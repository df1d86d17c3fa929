// SPDX-License-Identifier: GPL-2.0

//! Compiles: a safe function promises more than an unsafe one, and without pointers there is
//! nothing that its caller would have to guarantee.

use molt::prelude::*;

patch! {
    description: "A safe function",
    license: "GPL",
    vmlinux: { idle_cpu => idle },
}

extern "C" fn idle(_cpu: c_int) -> c_int {
    0
}
