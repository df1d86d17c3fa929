// SPDX-License-Identifier: GPL-2.0

//! Compiles: a struct that the kernel's bindings do not have can be named, and several modules of a
//! patch can use `c`.

use molt::prelude::*;

patch! {
    description: "A type that is private to the kernel",
    license: "GPL",
    vmlinux: { do_nanosleep => replacements::sleep },
}

mod replacements {
    use molt::prelude::*;

    /// # Safety
    ///
    /// None of it is used.
    pub(crate) unsafe extern "C" fn sleep(
        _t: *mut crate::c::hrtimer_sleeper,
        _mode: crate::c::hrtimer_mode,
    ) -> c_int {
        0
    }
}
