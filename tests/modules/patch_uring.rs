// SPDX-License-Identifier: GPL-2.0

//! Those who hand requests to io_uring are inside, and `target_value` tells who is new.

use molt::prelude::*;

patch! {
    description: "Those who hand requests to io_uring are inside, and target_value tells who is new",
    license: "GPL",
    vmlinux: {
        io_submit_sqes => submit,
    },
    target: {
        target_value: unsafe extern "C" fn() -> c_int => two,
    },
}

/// Replaces `io_submit_sqes` of `io_uring/io_uring.c`: takes none of them.
extern "C" fn submit(_ring: *mut c::io_ring_ctx, _count: c_uint) -> c_int {
    0
}

/// Replaces `target_value`.
extern "C" fn two() -> c_int {
    2
}
