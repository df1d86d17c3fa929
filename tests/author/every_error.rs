// SPDX-License-Identifier: GPL-2.0

//! All that is wrong is said at once, and nothing that merely follows from it.

use molt::prelude::*;

patch! {
    description: "Two mistakes",
    license: "GPL",
    vmlinux: {
        no_such_function_one => show,
        no_such_function_two => show,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
