// SPDX-License-Identifier: GPL-2.0

//! A sysctl in milliseconds that has a range keeps to it.

use molt::prelude::*;

patch! {
    description: "sysctl: check the range of a time in milliseconds",
    license: "GPL",
    vmlinux: { do_proc_int_conv_ms_jiffies_minmax => convert },
}

/// Writes a value that user space gave, a sign and a magnitude, to the variable.
type FromUser = unsafe extern "C" fn(*const bool, *const c_ulong, *mut c_int) -> c_int;

/// Reads the variable as a sign and a magnitude.
type ToUser = unsafe extern "C" fn(*mut bool, *mut c_ulong, *const c_int) -> c_int;

extern "C" {
    /// `kernel/sysctl.c`: does the one or the other, by `direction`; with `check`, refuses what
    /// is not between `extra1` and `extra2` of the table.
    #[link_name = ".klp.sym.vmlinux.proc_int_conv,0"]
    fn proc_int_conv(
        negative: *mut bool,
        user: *mut c_ulong,
        variable: *mut c_int,
        direction: c_int,
        table: *const c::ctl_table,
        check: bool,
        from_user: FromUser,
        to_user: ToUser,
    ) -> c_int;

    /// `kernel/time/jiffies.c`: a [`FromUser`] that takes milliseconds.
    #[link_name = ".klp.sym.vmlinux.sysctl_u2k_int_conv_ms,0"]
    fn ms_from_user(negative: *const bool, user: *const c_ulong, variable: *mut c_int) -> c_int;

    /// `kernel/time/jiffies.c`: a [`ToUser`] that gives milliseconds.
    #[link_name = ".klp.sym.vmlinux.sysctl_k2u_int_conv_ms,0"]
    fn ms_to_user(negative: *mut bool, user: *mut c_ulong, variable: *const c_int) -> c_int;
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
            ms_from_user,
            ms_to_user,
        )
    }
}
