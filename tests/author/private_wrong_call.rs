// SPDX-License-Identifier: GPL-2.0

//! A private function is called with an argument that it does not take.

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
    // SAFETY: it does not compile.
    unsafe { nr_processes(1) }
}
