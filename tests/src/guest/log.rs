// SPDX-License-Identifier: GPL-2.0
//! The kernel's log.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Result;

/// All that is in it.
pub fn read() -> Result<String> {
    const O_NONBLOCK: i32 = 0o4000;
    let mut log = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open("/dev/kmsg")?;
    let mut text = String::new();
    let mut record = [0; 8192];
    while let Ok(size) = log.read(&mut record) {
        text.push_str(&String::from_utf8_lossy(&record[..size]));
    }
    Ok(text)
}
