// SPDX-License-Identifier: GPL-2.0
//! Takes a free mutex of ntsync in the name of nobody.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{bail, Context, Result};
use libc::{c_int, c_ulong, c_void};
use molt_patches::Verdict;

const CREATE_MUTEX: c_ulong = 0x4008_4e84;
const READ_MUTEX: c_ulong = 0x8008_4e8c;
const WAIT_ANY: c_ulong = 0xc028_4e82;

/// `struct ntsync_mutex_args`.
#[repr(C)]
#[derive(Default)]
struct Mutex {
    owner: u32,
    count: u32,
}

/// `struct ntsync_wait_args`.
#[repr(C)]
#[derive(Default)]
struct Wait {
    timeout: u64,
    objects: u64,
    count: u32,
    index: u32,
    flags: u32,
    owner: u32,
    alert: u32,
    pad: u32,
}

pub fn probe() -> Result<Verdict> {
    let device = File::options().read(true).write(true).open("/dev/ntsync");
    let device = device.context("/dev/ntsync")?;
    take(&device, 1).context("somebody cannot take a free mutex")?;
    match take(&device, 0) {
        Ok(Mutex { owner: 0, count: 1 }) => Ok(Verdict::Vulnerable(
            "a mutex was taken, and has no owner".into(),
        )),
        Ok(Mutex { owner, count }) => bail!("the mutex has owner {owner} and count {count}"),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Ok(Verdict::Fixed("a wait without an owner is refused".into()))
        }
        Err(error) => Err(error).context("taking a mutex"),
    }
}

/// Makes a free mutex and takes it for `owner`; returns what it is then.
fn take(device: &File, owner: u32) -> Result<Mutex, Error> {
    let mut mutex = Mutex::default();
    let descriptor = ioctl(device, CREATE_MUTEX, &mut mutex)?;
    // SAFETY: The kernel has just made it for us.
    let object = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let mut wait = Wait {
        objects: &raw const descriptor as u64,
        count: 1,
        owner,
        ..Wait::default()
    };
    ioctl(device, WAIT_ANY, &mut wait)?;
    ioctl(&object, READ_MUTEX, &mut mutex)?;
    Ok(mutex)
}

/// The commands above read or write one `T`, and `wait` points to a descriptor that lives.
fn ioctl<T>(file: &impl AsRawFd, command: c_ulong, argument: &mut T) -> Result<c_int, Error> {
    let argument: *mut c_void = (&raw mut *argument).cast();
    // SAFETY: See above.
    match unsafe { libc::ioctl(file.as_raw_fd(), command, argument) } {
        -1 => Err(Error::last_os_error()),
        result => Ok(result),
    }
}
