// SPDX-License-Identifier: GPL-2.0

//! A negative time in a sysctl reads as what was written.

use molt::prelude::*;

patch! {
    description: "sysctl: negate before converting to the unit of user space",
    license: "GPL",
    vmlinux: { proc_int_k2u_conv_kop => to_user },
}

/// A change of unit, jiffies to seconds say.
type Conversion = unsafe extern "C" fn(c_ulong) -> c_ulong;

/// Replaces `proc_int_k2u_conv_kop` of `kernel/sysctl.c`: splits a sysctl's value into sign and
/// magnitude, and converts the magnitude, which the original did with the value while it was still
/// negative, that is, with a number near 2^64.
///
/// # Safety
///
/// `user` and `negative` are for this call alone. `value` is the sysctl's variable, which others
/// may write meanwhile.
unsafe extern "C" fn to_user(
    user: *mut c_ulong,
    value: *const c_int,
    negative: *mut bool,
    convert: Option<Conversion>,
) -> c_int {
    // SAFETY: It is a variable of the kernel, and an aligned `int` is read at once.
    let value = unsafe { value.read_volatile() };
    // CAST: from 32 bits to 64, both unsigned.
    let magnitude = value.unsigned_abs() as c_ulong;
    let magnitude = match convert {
        // SAFETY: The conversions of sysctls are functions of their argument alone.
        Some(convert) => unsafe { convert(magnitude) },
        None => magnitude,
    };
    // SAFETY: What the caller guarantees.
    unsafe {
        negative.write(value < 0);
        user.write(magnitude);
    }
    0
}
