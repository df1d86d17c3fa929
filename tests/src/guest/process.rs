// SPDX-License-Identifier: GPL-2.0
//! Processes that are only forked, and system calls as they are.

use std::fs;
use std::io::{self, Write};
use std::thread;

use anyhow::{ensure, Result};

use super::target;

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

/// Says that it is there, and sleeps in `pause()` for ever.
pub fn pause() -> io::Result<()> {
    writeln!(io::stdout(), "ready")?;
    io::stdout().flush()?;
    // SAFETY: has no arguments and changes nothing.
    unsafe { libc::pause() };
    Err(io::Error::last_os_error())
}

/// Waits for ever for nothing to happen.
pub fn epoll() -> io::Result<()> {
    let mut events: [libc::epoll_event; 1] = [libc::epoll_event { events: 0, u64: 0 }];
    // SAFETY: has no conditions.
    let set = unsafe { libc::epoll_create1(0) };
    // SAFETY: there is room for one event.
    match unsafe { libc::syscall(libc::SYS_epoll_wait, set, &raw mut events, 1, -1) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Calls `target_nap()` in so many threads; each must meet the original.
pub fn nap(threads: &str) -> io::Result<()> {
    const STACK: usize = 16 << 10;
    let threads: u32 = threads.parse().map_err(io::Error::other)?;
    let call = || -> io::Result<()> {
        match fs::read_to_string(target::path("nap"))?.as_str() {
            "1\n" => Ok(()),
            other => Err(io::Error::other(format!("target_nap() returned {other:?}"))),
        }
    };
    let threads = (0..threads)
        .map(|_| thread::Builder::new().stack_size(STACK).spawn(call))
        .collect::<io::Result<Vec<_>>>()?;
    threads.into_iter().try_for_each(|thread| {
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))
    })
}

/// Forks; says whether the first `getpid()` of the child is the original.
pub fn fork() -> io::Result<()> {
    // SAFETY: the child makes two system calls.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: has no arguments and changes nothing.
        let pid = unsafe { libc::syscall(libc::SYS_getpid) };
        // SAFETY: ends the process without running anything else.
        unsafe { libc::_exit(i32::from(pid < 1 << 23)) }
    }
    let mut status = 0;
    // SAFETY: our child, and a place for its status.
    if child < 0 || unsafe { libc::waitpid(child, &mut status, 0) } != child {
        return Err(io::Error::last_os_error());
    }
    let original = libc::WEXITSTATUS(status) == 1;
    writeln!(
        io::stdout(),
        "{}",
        if original { "original" } else { "replaced" }
    )
}
