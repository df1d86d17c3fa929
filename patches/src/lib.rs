// SPDX-License-Identifier: GPL-2.0
//! What probes share. Each is a function `probe() -> anyhow::Result<Verdict>` in a
//! `probe.rs` beside the patch.

/// What a probe saw of the kernel; the words say what it was. Whatever kept it from
/// seeing is an error.
pub enum Verdict {
    /// The kernel does it right.
    Fixed(String),
    /// The kernel has the bug.
    Vulnerable(String),
}
