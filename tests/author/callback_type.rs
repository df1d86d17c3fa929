// SPDX-License-Identifier: GPL-2.0

//! A callback that may not refuse, where one may.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        callbacks { pre_patch: told },
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    0
}

fn told(_target: &Target<'_>) {}
