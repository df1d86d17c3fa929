// SPDX-License-Identifier: GPL-2.0

//! A function of a module is checked as one of the kernel is.

use molt::prelude::*;

patch! {
    description: "A function of a module",
    license: "GPL",
    ext4: { ext4_readdir => readdir },
}

unsafe extern "C" fn readdir(_file: *mut c::file, _context: *mut c_void) -> c_int {
    0
}
