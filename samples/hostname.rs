// SPDX-License-Identifier: GPL-2.0

//! A system call, whichever way a program enters it: the name of the machine stays as it is.

use molt::prelude::*;

patch! {
    description: "Nobody changes the name of the machine",
    license: "GPL",
    vmlinux: {
        syscall sethostname: fn(name: *mut c_char, len: c_int) -> c_long => refuse,
        syscall setdomainname: fn(name: *mut c_char, len: c_int) -> c_long => refuse,
    },
}

/// Replaces both system calls, for programs of 64 and of 32 bits.
fn refuse(_name: *mut c_char, _len: c_int) -> c_long {
    EPERM.to_errno() as c_long
}
