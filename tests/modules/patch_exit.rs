// SPDX-License-Identifier: GPL-2.0

//! A function that every task calls at its end, when it is off the task list.

use molt::prelude::*;

patch! {
    description: "A function that every task calls at its end, off the task list",
    license: "GPL",
    vmlinux: { proc_exit_connector => connect },
}

/// Replaces `proc_exit_connector` of `drivers/connector/cn_proc.c`: nobody listens in the tests.
extern "C" fn connect(_task: *mut c::task_struct) {}
