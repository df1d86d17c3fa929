// SPDX-License-Identifier: GPL-2.0
//! The architecture that modules are linked for.

mod x86_64;

pub use x86_64::*;
