// SPDX-License-Identifier: GPL-2.0

//! Writing nothing to `net.vsock.child_ns_mode` changes nothing.

use core::cell::UnsafeCell;
use core::mem::offset_of;

use kernel::error::{from_result, to_result};
use kernel::sync::atomic::{ordering, Atomic};
use molt::prelude::*;

patch! {
    description: "vsock: ignore empty writes to the mode of child namespaces",
    license: "GPL",
    vsock: {
        vsock_net_child_mode_string => child_mode,
        // Prints a mode, or reads a new one; neither if there is nothing to read or write.
        extern fn __vsock_net_mode_string as mode_string,
    },
}

/// `enum vsock_net_mode`: sockets of the namespace reach everything, or only each other.
const GLOBAL: i32 = 0;
const LOCAL: i32 = 1;

/// What a network namespace has for vsock, `struct netns_vsock`.
#[repr(C)]
struct Namespace {
    sysctl: *mut c_void,
    port: UnsafeCell<u32>,
    mode: Atomic<i32>,
    /// The mode of namespaces that are made here.
    child_mode: Atomic<i32>,
    /// One more than `child_mode` once somebody has set it; it is set only once.
    locked: Atomic<i32>,
}

impl Namespace {
    fn set_child_mode(&self, mode: i32) -> Result {
        // Nobody above lets its children reach more than it does.
        if self.mode.load(ordering::Relaxed) == LOCAL && mode == GLOBAL {
            return Err(EPERM);
        }
        let wanted = mode.wrapping_add(1);
        match self.locked.cmpxchg(0, wanted, ordering::Full) {
            Ok(_) => self.child_mode.store(mode, ordering::Relaxed),
            Err(locked) if locked == wanted => (),
            Err(_) => return Err(EBUSY),
        }
        Ok(())
    }
}

/// Replaces `vsock_net_child_mode_string` of `net/vmw_vsock/af_vsock.c`, which, when there was
/// nothing to read, set a mode that nobody had given.
///
/// # Safety
///
/// `table` is of a network namespace that stays during the call; its `data` is the namespace's
/// `child_ns_mode`. `buffer` has `length` bytes.
unsafe extern "C" fn child_mode(
    table: *const c::ctl_table,
    write: c_int,
    buffer: *mut c_void,
    length: *mut usize,
    position: *mut c::loff_t,
) -> c_int {
    // SAFETY: What the caller guarantees.
    let (field, nothing) = unsafe { ((*table).data, *length == 0) };
    if nothing {
        return 0;
    }
    // SAFETY: `field` lies there in the namespace's `struct netns_vsock`. `sysctl` does not
    // change any more; of the others, all that is used are the atomics.
    let namespace = unsafe {
        &*field
            .byte_sub(offset_of!(Namespace, child_mode))
            .cast::<Namespace>()
    };

    let old = namespace.child_mode.load(ordering::Relaxed);
    let mut new = 0;
    from_result(|| {
        // CAST: An `enum` of C, whose values are small.
        // SAFETY: What the caller guarantees; `new` is ours.
        to_result(unsafe {
            mode_string(
                table,
                write,
                buffer,
                length,
                position,
                old as c_uint,
                &mut new,
            )
        })?;
        if write != 0 {
            // CAST: As above.
            namespace.set_child_mode(new as i32)?;
        }
        Ok(0)
    })
}
