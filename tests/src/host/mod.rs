// SPDX-License-Identifier: GPL-2.0
//! The host's side: builds the guest's image, boots VMs and judges how they ended.

pub mod author;
pub mod cpio;
pub mod fix;
pub mod image;
pub mod judge;
pub mod kernel;
pub mod machines;
pub mod qemu;
pub mod shape;
pub mod snapshot;
pub mod splat;
pub mod times;
