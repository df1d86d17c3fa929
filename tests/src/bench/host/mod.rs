// SPDX-License-Identifier: GPL-2.0
//! Boots the guest, and makes results of what it measured.

pub mod claim;
pub mod figures;
pub mod gate;
pub mod how;
pub mod plot;
pub mod reach;
pub mod results;
pub mod run;
pub mod table;
