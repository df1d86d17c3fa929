// SPDX-License-Identifier: GPL-2.0

//! A patch that uses something and replaces nothing.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: { extern fn nr_processes },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
