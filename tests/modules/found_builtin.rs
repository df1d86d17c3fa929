// SPDX-License-Identifier: GPL-2.0

//! A module that is a part of the kernel's image, so that none of its name ever comes.

use molt::prelude::*;

patch! {
    description: "Names what is built in as a module",
    license: "GPL",
    virtio: { virtio_check_driver_offered_feature: unsafe extern "C" fn() => nothing },
}

/// # Safety
///
/// None.
unsafe extern "C" fn nothing() {}
