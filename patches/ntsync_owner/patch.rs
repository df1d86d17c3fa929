// SPDX-License-Identifier: GPL-2.0

//! Who waits for a mutex of ntsync has to say who it is.

use core::alloc::Layout;
use core::mem::{size_of, ManuallyDrop};
use core::ptr::{self, NonNull};

use kernel::alloc::allocator::Kmalloc;
use kernel::alloc::{Allocator, NumaNode};
use kernel::error::from_result;
use kernel::uaccess::{UserPtr, UserSlice};
use molt::prelude::*;

patch! {
    description: "ntsync: reject waits without an owner",
    license: "GPL",
    ntsync: {
        setup_wait => setup_wait,
        // What makes a file an object of ntsync; only its address is used.
        extern static ntsync_obj_fops: u8,
    },
}

/// `NTSYNC_MAX_WAIT_COUNT` of `linux/ntsync.h`.
const MAX_WAIT_COUNT: usize = 64;

/// `NTSYNC_WAIT_REALTIME` of `linux/ntsync.h`.
const WAIT_REALTIME: u32 = 1;

/// What user space asks for, `struct ntsync_wait_args`.
#[repr(C)]
struct Request {
    timeout: u64,
    /// Address of the objects' file descriptors.
    objects: u64,
    count: u32,
    index: u32,
    flags: u32,
    owner: u32,
    /// One more file descriptor, or 0.
    alert: u32,
    pad: u32,
}

/// The head of `struct ntsync_obj`.
#[repr(C)]
struct Object {
    lock: c::spinlock_t,
    dev_locked: c_int,
    kind: c_uint,
    file: *mut c::file,
    device: *mut c::ntsync_device,
}

/// One object that is waited for, `struct ntsync_q_entry`.
#[repr(C)]
struct Entry {
    node: c::list_head,
    queue: *mut Queue,
    object: *mut Object,
    index: u32,
}

/// A task that waits, `struct ntsync_q`; its entries follow.
#[repr(C)]
struct Queue {
    task: *mut c::task_struct,
    owner: u32,
    signaled: c::atomic_t,
    all: bool,
    owner_dead: bool,
    count: u32,
    entries: [Entry; 0],
}

/// A reference on an object's file, given back when dropped.
///
/// # Invariants
///
/// The object is one of ntsync, and its file is held.
struct Held(NonNull<Object>);

impl Held {
    /// Looks up the object of `device` behind a file descriptor of the calling process.
    fn get(device: *mut c::ntsync_device, descriptor: c_int) -> Result<Self> {
        // CAST: A negative one is as large as no table of files is.
        // SAFETY: It checks the number.
        let file = NonNull::new(unsafe { c::fget(descriptor as c_uint) }).ok_or(EINVAL)?;
        // SAFETY: The file is held, and both fields stay as they are while it is.
        let (operations, object) = unsafe {
            (
                (*file.as_ptr()).f_op,
                (*file.as_ptr()).private_data.cast::<Object>(),
            )
        };
        if ptr::addr_eq(operations, &raw const ntsync_obj_fops) {
            // SAFETY: The file is an object of ntsync, whose `private_data` is never null.
            let object = unsafe { NonNull::new_unchecked(object) };
            // INVARIANT: It is one of ntsync, and its file is this one.
            let held = Held(object);
            // SAFETY: By the invariant; an object's device does not change.
            if unsafe { (*object.as_ptr()).device } == device {
                return Ok(held);
            }
        } else {
            // SAFETY: Taken above, given back once.
            unsafe { c::fput(file.as_ptr()) };
        }
        Err(EINVAL)
    }

    fn into_raw(self) -> *mut Object {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: By the invariant, the file is held.
        unsafe { c::fput((*self.0.as_ptr()).file) }
    }
}

/// A [`Queue`] being filled, given back with the objects in it when dropped.
///
/// # Invariants
///
/// `queue` is memory of `layout`, for this value alone, with room for all entries that are pushed;
/// its first `filled` entries are initialized, and each holds a reference on its object's file.
struct Filling {
    queue: NonNull<Queue>,
    layout: Layout,
    filled: usize,
}

impl Filling {
    fn new(request: &Request, all: bool, room: usize) -> Result<Self> {
        let entries = Layout::array::<Entry>(room).map_err(|_| ENOMEM)?;
        let (layout, _) = Layout::new::<Queue>().extend(entries).map_err(|_| ENOMEM)?;
        let memory = Kmalloc::alloc(layout, GFP_KERNEL, NumaNode::NO_NODE)?;
        let queue = memory.cast::<Queue>();
        // SAFETY: The memory begins with room for a queue, and is new.
        unsafe {
            queue.write(Queue {
                task: kernel::current!().as_ptr(),
                owner: request.owner,
                signaled: c::atomic_t { counter: -1 },
                all,
                owner_dead: false,
                count: request.count,
                entries: [],
            })
        };
        // INVARIANT: There is room for `room` entries, of which none is initialized.
        Ok(Filling {
            queue,
            layout,
            filled: 0,
        })
    }

    fn entries(&self) -> *mut Entry {
        // SAFETY: The queue is initialized; its entries begin inside the allocation or at its end.
        unsafe { (&raw mut (*self.queue.as_ptr()).entries).cast() }
    }

    fn filled(&self) -> &[Entry] {
        // SAFETY: By the invariant so many are initialized, and nobody else has them.
        unsafe { core::slice::from_raw_parts(self.entries(), self.filled) }
    }

    fn contains(&self, object: &Held) -> bool {
        self.filled()
            .iter()
            .any(|entry| entry.object == object.0.as_ptr())
    }

    /// # Safety
    ///
    /// There is room for one more.
    unsafe fn push(&mut self, object: Held) {
        // SAFETY: What the caller guarantees.
        unsafe {
            self.entries().add(self.filled).write(Entry {
                node: c::list_head::default(),
                queue: self.queue.as_ptr(),
                object: object.into_raw(),
                // CAST: There are never more than 65.
                index: self.filled as u32,
            })
        };
        // INVARIANT: The reference that `object` was is now the entry's.
        self.filled = self.filled.wrapping_add(1);
    }

    fn into_raw(self) -> *mut Queue {
        ManuallyDrop::new(self).queue.as_ptr()
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        for entry in self.filled() {
            // SAFETY: By the invariant its file is held, and the entry is not used any more.
            unsafe { c::fput((*entry.object).file) };
        }
        // SAFETY: By the invariant the memory is ours.
        unsafe { Kmalloc::free(self.queue.cast(), self.layout) };
    }
}

/// Replaces `setup_wait` of `drivers/misc/ntsync.c`.
///
/// # Safety
///
/// `request` and `queue` are for this call alone.
unsafe extern "C" fn setup_wait(
    device: *mut c::ntsync_device,
    request: *const c::ntsync_wait_args,
    all: bool,
    queue: *mut *mut c::ntsync_q,
) -> c_int {
    // SAFETY: What the caller guarantees.
    let request = unsafe { &*request.cast::<Request>() };
    from_result(|| {
        let filled = set_up(device, request, all)?;
        // SAFETY: As above. The caller frees the queue by `kfree` and puts its objects, as we
        // would.
        unsafe { queue.write(filled.into_raw().cast()) };
        Ok(0)
    })
}

fn set_up(device: *mut c::ntsync_device, request: &Request, all: bool) -> Result<Filling> {
    if request.pad != 0 || request.flags & !WAIT_REALTIME != 0 {
        return Err(EINVAL);
    }
    // This is the fix: an owner of 0 means that a mutex is free, so it would be taken by nobody.
    if request.owner == 0 {
        return Err(EINVAL);
    }

    let mut descriptors = [0 as c_int; MAX_WAIT_COUNT + 1];
    let count = usize::try_from(request.count)?;
    if count > MAX_WAIT_COUNT {
        return Err(EINVAL);
    }
    // CAST: An address of user space, which is 64 bits wide.
    let objects = UserPtr::from_addr(request.objects as usize);
    let mut reader = UserSlice::new(objects, count.wrapping_mul(size_of::<c_int>())).reader();
    for descriptor in descriptors.iter_mut().take(count) {
        *descriptor = reader.read()?;
    }
    let mut total = count;
    if request.alert != 0 {
        if let Some(last) = descriptors.get_mut(count) {
            // CAST: It is a file descriptor, unsigned in the interface only.
            *last = request.alert as c_int;
        }
        total = count.wrapping_add(1);
    }

    let mut filling = Filling::new(request, all, total)?;
    for &descriptor in descriptors.iter().take(total) {
        let object = Held::get(device, descriptor)?;
        if all && filling.contains(&object) {
            return Err(EINVAL);
        }
        // SAFETY: There is room for `total`, and this is done as often.
        unsafe { filling.push(object) };
    }
    Ok(filling)
}
