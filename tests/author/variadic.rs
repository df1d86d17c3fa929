// SPDX-License-Identifier: GPL-2.0

//! A function that Rust cannot define.

use molt::prelude::*;

patch! {
    description: "A variable number of arguments",
    license: "GPL",
    vmlinux: { seq_printf => print },
}

unsafe extern "C" fn print(_m: *mut c::seq_file, _f: *const c_char) {}
