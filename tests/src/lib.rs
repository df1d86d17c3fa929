// SPDX-License-Identifier: GPL-2.0
//! The tests of molt: every scenario boots the stock kernel in a VM of its own
//! and runs there as PID 1.
//!
//! [`scenario`] is the one list that both sides share, [`host`] boots and judges,
//! [`guest`] is what a scenario works with, [`report`] is what they say to each
//! other over the second serial port. `tests/README.md` tells how to add a test.
//! [`bench`] is the benchmark, whose guest runs in the same way.

pub mod bench;
pub mod guest;
pub mod host;
pub mod report;
pub mod scenario;
