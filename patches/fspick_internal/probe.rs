// SPDX-License-Identifier: GPL-2.0
//! Uncovers the file system at the very root of all mounts, and asks to reconfigure it.

use std::fs::File;
use std::os::fd::AsFd;

use anyhow::{ensure, Context, Result};
use molt_patches::Verdict;
use rustix::fs::{statfs, CWD};
use rustix::io::Errno;
use rustix::mount::{fspick, mount_change, unmount};
use rustix::mount::{FsPickFlags, MountPropagationFlags, UnmountFlags};
use rustix::thread::{move_into_link_name_space, unshare_unsafe, LinkNameSpaceType, UnshareFlags};

/// The namespace of mounts of the calling thread.
const MOUNTS: &str = "/proc/thread-self/ns/mnt";

/// `NULL_FS_MAGIC` of `linux/magic.h`.
const NULLFS: u64 = 0x4e55_4c4c;

pub fn probe() -> Result<Verdict> {
    uncover().context("cannot uncover the root of all mounts")?;
    match fspick(CWD, "/", FsPickFlags::FSPICK_CLOEXEC) {
        Ok(_) => Ok(Verdict::Vulnerable(
            "the kernel's own nullfs can be reconfigured".into(),
        )),
        Err(Errno::INVAL) => Ok(Verdict::Fixed(
            "the kernel's own nullfs cannot be reconfigured".into(),
        )),
        Err(error) => Err(error).context("fspick"),
    }
}

/// Takes everything off nullfs in a namespace of our own, whose root is then `/`.
fn uncover() -> Result<()> {
    // a file system that is for users can be picked
    fspick(CWD, "/", FsPickFlags::FSPICK_CLOEXEC).context("fspick of the usual root")?;
    // SAFETY: The namespace of mounts has nothing to do with memory or file descriptors.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.context("unshare")?;
    let ours = File::open(MOUNTS).context(MOUNTS)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).context("making mounts private")?;
    unmount("/", UnmountFlags::DETACH).context("umount")?;
    // entering a namespace makes its root ours
    let kind = Some(LinkNameSpaceType::Mount);
    move_into_link_name_space(ours.as_fd(), kind).context("setns")?;
    let found = statfs("/").context("statfs")?.f_type as u64;
    ensure!(found == NULLFS, "there is a file system of type {found:#x}");
    Ok(())
}
