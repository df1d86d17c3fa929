// SPDX-License-Identifier: GPL-2.0
//! The benchmark: molt beside the others who patch a running kernel, all in one guest
//! whose clock counts instructions. `docs/bench.md` says how each figure is measured.
//!
//! [`plan`] is what is measured, [`sample`] is how a figure travels from the guest to the
//! host; [`guest`] measures, [`host`] makes results, a table and plots of it.

pub mod guest;
pub mod host;
pub mod plan;
pub mod sample;
