// SPDX-License-Identifier: GPL-2.0
//! One read through io_uring, by a thread of its own in the kernel.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{ensure, Context, Result};

// `include/uapi/linux/io_uring.h`.
const OP_READ: u8 = 22;
const SQE_ASYNC: u8 = 1 << 4;
const ENTER_GETEVENTS: u32 = 1;
const OFF_SQ_RING: i64 = 0;
const OFF_SQES: i64 = 0x1000_0000;
const FEAT_SINGLE_MMAP: u32 = 1;

#[repr(C)]
#[derive(Default)]
struct SqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags: u32,
    dropped: u32,
    array: u32,
    reserved: u32,
    user_address: u64,
}

#[repr(C)]
#[derive(Default)]
struct CqOffsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    overflow: u32,
    cqes: u32,
    flags: u32,
    reserved: u32,
    user_address: u64,
}

#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    reserved: [u32; 3],
    sq_off: SqOffsets,
    cq_off: CqOffsets,
}

#[repr(C)]
#[derive(Default)]
struct Sqe {
    opcode: u8,
    flags: u8,
    priority: u16,
    fd: i32,
    offset: u64,
    address: u64,
    length: u32,
    rest: [u32; 9],
}

const _: () = assert!(size_of::<Params>() == 120 && size_of::<Sqe>() == 64);

/// A read that is under way. Its memory is the kernel's until it ends, so it is never freed.
pub struct Read {
    ring: OwnedFd,
    rings: *mut u8,
    results: CqOffsets,
    buffer: &'static mut [u8],
    _file: File,
}

impl Read {
    /// Begins to read the file.
    pub fn start(path: &str) -> Result<Self> {
        let file = File::open(path).with_context(|| path.to_owned())?;
        let buffer = Box::leak(vec![0; 4096].into_boxed_slice());
        let mut params = Params::default();
        // SAFETY: the parameters are as the kernel declares them.
        let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1u32, &raw mut params) };
        ensure!(ring >= 0, "io_uring_setup: {}", io::Error::last_os_error());
        // SAFETY: just opened, and nobody else's.
        let ring = unsafe { OwnedFd::from_raw_fd(ring as i32) };
        ensure!(params.features & FEAT_SINGLE_MMAP != 0, "an old io_uring");
        let (rings, sqes) = (map(&ring, OFF_SQ_RING)?, map(&ring, OFF_SQES)?);
        let sqe = Sqe {
            opcode: OP_READ,
            flags: SQE_ASYNC,
            fd: file.as_raw_fd(),
            address: buffer.as_mut_ptr() as u64,
            length: buffer.len() as u32,
            ..Sqe::default()
        };
        // SAFETY: the kernel has laid the rings out so, with one entry, which is entry 0.
        unsafe {
            sqes.cast::<Sqe>().write(sqe);
            word(rings, params.sq_off.array).store(0, Ordering::Relaxed);
            word(rings, params.sq_off.tail).store(1, Ordering::Release);
        }
        enter(&ring, 1, 0)?;
        Ok(Self {
            ring,
            rings,
            results: params.cq_off,
            buffer,
            _file: file,
        })
    }

    /// What has been read, when it is; asks the kernel to wait.
    pub fn end(self) -> Result<String> {
        enter(&self.ring, 0, 1)?;
        self.result()
    }

    /// The same without another system call.
    pub fn end_by_itself(self) -> Result<String> {
        // SAFETY: the kernel has laid the rings out so.
        while unsafe { word(self.rings, self.results.tail) }.load(Ordering::Acquire) == 0 {
            std::hint::spin_loop();
        }
        self.result()
    }

    fn result(self) -> Result<String> {
        // SAFETY: as above; a result is a word of the user's, of which there are two halves, and a
        // length.
        let length = unsafe {
            let tail = word(self.rings, self.results.tail).load(Ordering::Acquire);
            ensure!(tail == 1, "{tail} results");
            word(self.rings, self.results.cqes + 8).load(Ordering::Relaxed) as i32
        };
        let length = usize::try_from(length).with_context(|| format!("result {length}"))?;
        Ok(String::from_utf8_lossy(&self.buffer[..length]).into_owned())
    }
}

/// # Safety
///
/// There must be a word at that offset.
unsafe fn word<'a>(rings: *mut u8, offset: u32) -> &'a AtomicU32 {
    // SAFETY: by the requirement; the mapping stays.
    unsafe { AtomicU32::from_ptr(rings.add(offset as usize).cast()) }
}

fn map(ring: &OwnedFd, offset: i64) -> Result<*mut u8> {
    // SAFETY: a new mapping, of more than rings of one entry need.
    let memory = unsafe {
        libc::mmap(
            ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_POPULATE,
            ring.as_raw_fd(),
            offset,
        )
    };
    ensure!(
        memory != libc::MAP_FAILED,
        "mmap: {}",
        io::Error::last_os_error()
    );
    Ok(memory.cast())
}

fn enter(ring: &OwnedFd, submit: u32, wait: u32) -> Result<()> {
    // SAFETY: no signal mask; the entries are those above.
    let entered = unsafe {
        libc::syscall(
            libc::SYS_io_uring_enter,
            ring.as_raw_fd(),
            submit,
            wait,
            if wait == 0 { 0 } else { ENTER_GETEVENTS },
            ptr::null::<u8>(),
            0usize,
        )
    };
    ensure!(
        entered >= 0,
        "io_uring_enter: {}",
        io::Error::last_os_error()
    );
    Ok(())
}
