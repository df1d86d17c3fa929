// SPDX-License-Identifier: GPL-2.0

//! A module's name as its file has it; the kernel calls the module `crc_itu_t`.

use molt::prelude::*;

patch! {
    description: "An object that no module can be",
    license: "GPL",
    "crc-itu-t": { crc_itu_t: unsafe extern "C" fn(u16, *const u8, usize) -> u16 => crc },
}

unsafe extern "C" fn crc(_crc: u16, _bytes: *const u8, _length: usize) -> u16 {
    7
}
