// SPDX-License-Identifier: GPL-2.0

//! The author states the prototype of a private function, and BTF contradicts it.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern fn nr_processes: unsafe extern "C" fn() -> c_long,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
