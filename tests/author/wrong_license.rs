// SPDX-License-Identifier: GPL-2.0

//! A license under which the module would not load.

use molt::prelude::*;

patch! {
    description: "Proprietary",
    license: "Proprietary",
    vmlinux: { cmdline_proc_show => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
