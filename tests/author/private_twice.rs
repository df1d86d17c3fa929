// SPDX-License-Identifier: GPL-2.0

//! Two private symbols of one name.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern fn nr_processes,
        extern static total_forks as nr_processes: c_ulong,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
