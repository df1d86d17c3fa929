// SPDX-License-Identifier: GPL-2.0
//! Boots the guest, and makes results of what it measured.

pub mod run;
