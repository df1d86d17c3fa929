// SPDX-License-Identifier: GPL-2.0

//! The architecture of the kernel that patches are built for.

mod x86_64;

pub(crate) use x86_64::*;
