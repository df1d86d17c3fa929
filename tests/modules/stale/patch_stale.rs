// SPDX-License-Identifier: GPL-2.0

//! A patch that was built against another version of the core's interface: the loader must refuse
//! it.

use molt::prelude::*;

patch! {
    description: "A patch for another version of the core",
    license: "GPL",
    vmlinux: { cmdline_proc_show => show },
}

/// Would replace `cmdline_proc_show` of `fs/proc/cmdline.c`.
extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
