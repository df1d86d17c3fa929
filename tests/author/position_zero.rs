// SPDX-License-Identifier: GPL-2.0

//! A position that no symbol has.

use molt::prelude::*;

patch! {
    description: "A position below the first",
    license: "GPL",
    vmlinux: { cmdline_proc_show[0] => show },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}
