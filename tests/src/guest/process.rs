// SPDX-License-Identifier: GPL-2.0
//! Processes that are only forked, and system calls as they are.

use std::io::{self, Write};

use anyhow::{ensure, Result};

/// A process begins, does nothing and ends.
pub fn come_and_go() -> Result<()> {
    // SAFETY: the child does nothing but to end, so it does not matter which locks
    // other threads held.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: ends the process without running anything else.
        unsafe { libc::_exit(0) }
    }
    ensure!(pid > 0, "fork: {}", io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: our child, and a place for its status.
    let waited = unsafe { libc::waitpid(pid, &mut status, 0) };
    ensure!(waited == pid, "waitpid: {}", io::Error::last_os_error());
    ensure!(status == 0, "the process ended with {status:#x}");
    Ok(())
}

/// Calls `getpid()` for ever, and says whenever it is not what it was: `original`
/// when the number is this process's, else `replaced`.
pub fn watch_getpid() -> io::Result<()> {
    let own = i64::from(std::process::id());
    let mut out = io::stdout();
    let mut last = None;
    loop {
        // SAFETY: has no arguments and changes nothing.
        let original = unsafe { libc::syscall(libc::SYS_getpid) } == own;
        if last != Some(original) {
            last = Some(original);
            writeln!(out, "{}", if original { "original" } else { "replaced" })?;
            out.flush()?;
        }
    }
}
