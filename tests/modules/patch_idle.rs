// SPDX-License-Identifier: GPL-2.0

//! The loop of the idle tasks: must be refused.

use molt::prelude::*;

patch! {
    description: "The loop of the idle tasks: must be refused",
    license: "GPL",
    vmlinux: {
        do_idle: unsafe extern "C" fn() => idle,
    },
}

/// Would replace `do_idle`.
extern "C" fn idle() {}
