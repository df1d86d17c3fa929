// SPDX-License-Identifier: GPL-2.0

//! Exchanges the data of a state while others read them, as `target_object` is told to.

use core::ptr;
use molt::prelude::*;

patch! {
    description: "Exchanges the data of a state while others read them",
    license: "GPL",
    states: [DATA],
    target: {
        target_object: unsafe extern "C" fn(*mut c_void, c_uint, c_uint, c_long) -> c_long => object,
    },
}

static DATA: State<Poisoned> = State::new(0xda7a, 1);

/// What is dropped says so, to who reads it nevertheless.
struct Poisoned {
    number: c_long,
}

impl Drop for Poisoned {
    fn drop(&mut self) {
        // SAFETY: ours, until this function has returned.
        unsafe { ptr::write_volatile(&mut self.number, -1) };
    }
}

/// Replaces `target_object`: 0 reads the data, 1 sets them, 2 takes them.
extern "C" fn object(
    _object: *mut c_void,
    _id: c_uint,
    operation: c_uint,
    number: c_long,
) -> c_long {
    let data = match operation {
        0 => DATA.get(),
        1 => match Arc::new(Poisoned { number }, GFP_KERNEL) {
            Ok(data) => DATA.set(data),
            Err(_) => return ENOMEM.to_errno() as c_long,
        },
        _ => DATA.take(),
    };
    // SAFETY: a reference of ours; volatile, because it is to be read now.
    data.map_or(0, |data| unsafe { ptr::read_volatile(&data.number) })
}
