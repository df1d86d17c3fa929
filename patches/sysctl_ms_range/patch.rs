// SPDX-License-Identifier: GPL-2.0

//! A sysctl in milliseconds that has a range keeps to it.

use molt::prelude::*;

patch! {
    description: "sysctl: check the range of a time in milliseconds",
    license: "GPL",
    vmlinux: {
        do_proc_int_conv_ms_jiffies_minmax => convert,
        // Reads or writes a sysctl's variable, by `direction`. On writing, it refuses what is not
        // between `extra1` and `extra2` of the table if it is told to check.
        extern fn proc_int_conv,
        // Its ways to and from user space, for milliseconds.
        extern fn sysctl_u2k_int_conv_ms,
        extern fn sysctl_k2u_int_conv_ms,
    },
}

/// Replaces `do_proc_int_conv_ms_jiffies_minmax` of `kernel/time/jiffies.c`, which did not ask for
/// the check.
///
/// # Safety
///
/// `negative` and `user` are for this call alone. `table` describes `variable`; its `extra1` and
/// `extra2` are null or point to an `int`.
unsafe extern "C" fn convert(
    negative: *mut bool,
    user: *mut c_ulong,
    variable: *mut c_int,
    direction: c_int,
    table: *const c::ctl_table,
) -> c_int {
    // SAFETY: What the caller guarantees. The kernel itself passes these two conversions on in the
    // same way, so they have kept their ENDBR.
    unsafe {
        proc_int_conv(
            negative,
            user,
            variable,
            direction,
            table,
            true,
            Some(sysctl_u2k_int_conv_ms),
            Some(sysctl_k2u_int_conv_ms),
        )
    }
}
