// SPDX-License-Identifier: GPL-2.0

//! A private function that the kernel does not have.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern fn nr_proceses,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
