// SPDX-License-Identifier: GPL-2.0

//! A function on the stack of whoever loads a module, this one included.

use molt::prelude::*;

patch! {
    description: "A function on the stack of whoever loads a module, this one included",
    license: "GPL",
    vmlinux: {
        do_one_initcall => call,
    },
}

/// Replaces `do_one_initcall` of init/main.c.
///
/// # Safety
///
/// `function` is to be called once, now.
unsafe extern "C" fn call(function: c::initcall_t) -> c_int {
    match function {
        // SAFETY: What the caller guarantees.
        Some(function) => unsafe { function() },
        None => 0,
    }
}
