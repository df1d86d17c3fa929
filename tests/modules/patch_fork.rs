// SPDX-License-Identifier: GPL-2.0

//! Functions that every task calls at its beginning, in its parent, and at its end.

use molt::prelude::*;

patch! {
    description: "Functions that every task calls at its beginning and at its end",
    license: "GPL",
    vmlinux: {
        proc_fork_connector => begin,
        proc_exit_connector => end,
    },
}

/// Replaces `proc_fork_connector` of `drivers/connector/cn_proc.c`: nobody listens in the tests.
extern "C" fn begin(_task: *mut c::task_struct) {}

/// Replaces `proc_exit_connector` of the same file.
extern "C" fn end(_task: *mut c::task_struct) {}
