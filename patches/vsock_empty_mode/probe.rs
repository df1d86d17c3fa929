// SPDX-License-Identifier: GPL-2.0
//! In a new network namespace, writes nothing to the sysctl that can be set only once, and then
//! sets it.

use std::fs::File;

use anyhow::{ensure, Context, Result};
use molt_patches::Verdict;
use rustix::io::{write, Errno};
use rustix::thread::{unshare_unsafe, UnshareFlags};

const SYSCTL: &str = "/proc/sys/net/vsock/child_ns_mode";

pub fn probe() -> Result<Verdict> {
    // SAFETY: The network namespace has nothing to do with memory or file descriptors.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.context("no new network namespace")?;
    let sysctl = File::options().write(true).open(SYSCTL).context(SYSCTL)?;
    let written = write(&sysctl, b"").context("a write of nothing")?;
    ensure!(written == 0, "a write of nothing wrote {written} bytes");
    match write(&sysctl, b"local") {
        Ok(_) => Ok(Verdict::Fixed(
            "the mode can be set after a write of nothing".into(),
        )),
        Err(Errno::BUSY) => Ok(Verdict::Vulnerable(
            "a write of nothing has set the mode, for good".into(),
        )),
        Err(error) => Err(error).context(SYSCTL),
    }
}
