// SPDX-License-Identifier: GPL-2.0

//! Changes that leave tasks behind: how such a transition starts, and how its stragglers follow.

pub(crate) mod follow;
pub(crate) mod start;
