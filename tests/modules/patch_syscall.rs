// SPDX-License-Identifier: GPL-2.0

//! A system call without arguments, and one with six of all sorts.

use molt::prelude::*;

patch! {
    description: "A system call without arguments, and one with six of all sorts",
    license: "GPL",
    vmlinux: {
        syscall getpid: fn() -> c_long => getpid,
        syscall process_vm_readv: fn(
            a: c_int, b: *const c_void, c: c_long, d: *const c_void, e: u64, f: c_uint,
        ) -> c_long => sum,
    },
}

/// Above all process ids, which end at 4 million.
const NOBODY: c_long = 1 << 24;

/// Replaces `getpid`.
fn getpid() -> c_long {
    NOBODY
}

/// Replaces `process_vm_readv`; what came in is seen in the result.
fn sum(a: c_int, b: *const c_void, c: c_long, d: *const c_void, e: u64, f: c_uint) -> c_long {
    let numbers = [
        a as c_long,
        b as c_long,
        c,
        d as c_long,
        e as c_long,
        f as c_long,
    ];
    // A different weight for each, so that none can stand for another.
    let weighed = (1..)
        .zip(numbers)
        .map(|(weight, number): (c_long, _)| number.wrapping_mul(weight));
    weighed.fold(0, c_long::wrapping_add)
}
