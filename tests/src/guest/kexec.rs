// SPDX-License-Identifier: GPL-2.0
//! Starting another kernel from this one, without the firmware in between.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};

use crate::host::cpio::Archive;

/// What the other kernel tells its PID 1; the token follows.
pub const AFTER: &str = "after-kexec";

/// Loads the kernel of the image, to be started by the next `reboot` of that kind. Its
/// PID 1 is this program, which reports success with `token`.
pub fn load(token: &str) -> Result<()> {
    const INITRAMFS: &str = "/tmp/initramfs.cpio";
    let mut archive = Archive::new(File::create(INITRAMFS)?);
    for name in ["dev", "proc", "sys"] {
        archive.folder(name)?;
    }
    archive.device("dev/console", 5, 1)?;
    archive.file("init", &fs::read("/init")?)?;
    archive.finish()?;
    let parameters = fs::read_to_string("/proc/cmdline")?;
    let parameters = format!("{} -- {AFTER} {token}\0", parameters.trim_end());
    let kernel = File::open("/vmlinuz").context("/vmlinuz")?;
    let initramfs = File::open(INITRAMFS)?;
    // SAFETY: two open files, and a terminated string of the stated length.
    let result = unsafe {
        libc::syscall(
            libc::SYS_kexec_file_load,
            kernel.as_raw_fd(),
            initramfs.as_raw_fd(),
            parameters.len(),
            parameters.as_ptr(),
            0,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error()).context("kexec_file_load");
    }
    Ok(())
}
