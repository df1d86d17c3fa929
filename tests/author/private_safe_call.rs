// SPDX-License-Identifier: GPL-2.0

//! A private function is called as if that were safe.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern fn nr_processes,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    let count: fn() -> c_int = nr_processes;
    count()
}
