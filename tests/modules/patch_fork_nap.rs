// SPDX-License-Identifier: GPL-2.0

//! A task called forker sleeps when it forks.

use molt::prelude::*;

patch! {
    description: "A task called forker sleeps when it forks",
    license: "GPL",
    vmlinux: {
        proc_fork_connector => fork,
    },
}

extern "C" {
    /// `tests/modules/target/nap.c`: sleeps until the test wakes everybody.
    fn target_wait();
}

/// Replaces `proc_fork_connector` of `drivers/connector/cn_proc.c`: the parent calls it before it
/// tells of its child. Nobody listens in the tests.
///
/// # Safety
///
/// The caller may sleep.
unsafe extern "C" fn fork(_task: *mut c::task_struct) {
    // SAFETY: The name of the calling task, which only itself changes.
    let name = unsafe { (*kernel::current!().as_ptr()).comm };
    if name.starts_with(b"forker\0") {
        // SAFETY: It only sleeps.
        unsafe { target_wait() };
    }
}
