// SPDX-License-Identifier: GPL-2.0

//! A function that somebody is always in: a log daemon sleeps in `kmsg_read` until there is
//! something to read. Old and new share nothing, so it does not matter that the daemon's last call
//! runs the old code to its end. molt would refuse (`busy`); `force` says that the author knows
//! better.
//!
//! The module then stays for ever, because nobody can tell when the last task has left it.

use molt::prelude::*;

patch! {
    description: "Lets nobody read /proc/kmsg",
    license: "GPL",
    vmlinux: { force kmsg_read => read },
}

/// Replaces `kmsg_read` of `fs/proc/kmsg.c`.
///
/// # Safety
///
/// None: it uses no argument.
unsafe extern "C" fn read(
    _file: *mut c::file,
    _buffer: *mut c_char,
    _count: usize,
    _position: *mut c::loff_t,
) -> isize {
    EPERM.to_errno() as isize
}
