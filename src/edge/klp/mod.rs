// SPDX-License-Identifier: GPL-2.0

//! What the kernel's own livepatch does for molt, so what a kernel without `CONFIG_LIVEPATCH`
//! lacks.

pub(crate) mod relocation;
pub(crate) mod shadow;
