// SPDX-License-Identifier: GPL-2.0

//! `times()`, and what it calls: each tells which version it is.

use molt::prelude::*;

patch! {
    description: "times(), and what it calls: each tells which version it is",
    license: "GPL",
    vmlinux: {
        __x64_sys_times: unsafe extern "C" fn(*const c::pt_regs) -> c_long => times,
        do_sys_times => do_times,
    },
}

/// More than any number of ticks or of seconds.
const NEW: c_long = 1 << 60;

/// Replaces `__x64_sys_times` of `kernel/sys.c`, and does not call the other.
extern "C" fn times(_registers: *const c::pt_regs) -> c_long {
    NEW
}

/// Replaces `do_sys_times` of `kernel/sys.c`.
///
/// # Safety
///
/// `tms` must be valid for writing.
unsafe extern "C" fn do_times(tms: *mut c::tms) {
    // SAFETY: By the requirement; `tms_utime` is first, of type `clock_t`.
    unsafe { *tms.cast::<c_long>() = NEW };
}
