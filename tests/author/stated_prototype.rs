// SPDX-License-Identifier: GPL-2.0

//! The author states a prototype, and BTF contradicts it.

use molt::prelude::*;

patch! {
    description: "A prototype that is not the kernel's",
    license: "GPL",
    vmlinux: {
        cmdline_proc_show: unsafe extern "C" fn(*mut c::seq_file, c_int) -> c_int => show,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: c_int) -> c_int {
    0
}
