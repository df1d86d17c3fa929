// SPDX-License-Identifier: GPL-2.0

//! Shadow variables: values that belong to an object of the kernel without being a part of it.
//!
//! The kernel's livepatch keeps the table (`kernel/livepatch/shadow.c`), whether or not it has any
//! patch. An entry of the table is found by the object's address and an id, and holds one pointer:
//! to the box with the value. So a value can be taken out of the table under the table's spin lock,
//! and be dropped when the lock has been given back.
//!
//! C header: [`include/linux/livepatch.h`](srctree/include/linux/livepatch.h)

use crate::edge::{
    bindings,
    kernel::slot::{
        Published,
        Slot, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    alloc::Flags,
    ffi,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc,
        Mutex, //
    }, //
};

/// The way from one removed value to the next.
#[repr(C)]
struct Link {
    next: *mut Link,
}

/// What the table points to.
#[repr(C)]
struct Linked<T> {
    /// First, so that the core can collect entries without knowing `T`.
    link: Link,
    value: T,
}

/// A shadow variable: at most one value of `T` for each object, found by the object's address.
///
/// Values belong to the kernel, not to the patch: they stay when the patch is disabled or unloaded,
/// and a patch with the same id finds them. They go by [`remove`](Self::remove), which the patch
/// calls where the kernel frees the object, and by [`remove_all`](Self::remove_all). An object that
/// is freed without that leaves its value to whatever is allocated at the same address next.
///
/// # Examples
///
/// How often an open file was read:
///
/// ```ignore
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use molt::prelude::*;
///
/// patch! {
///     description: "An example",
///     license: "GPL",
///     vmlinux: {
///         version_proc_show => show,
///         callbacks { post_unpatch: forget },
///     },
/// }
///
/// // SAFETY: nobody else uses the id, and an `Atomic` points nowhere.
/// static READS: Shadow<Atomic<u32>> = unsafe { Shadow::new(0x7265_6164) };
///
/// /// # Safety
/// ///
/// /// `m` is the open file, used by nobody else during the call.
/// unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
///     match READS.get_or_init(m, || Atomic::new(0), GFP_KERNEL) {
///         Ok(reads) => {
///             reads.add(1, Relaxed);
///             0
///         }
///         Err(error) => error.to_errno(),
///     }
/// }
///
/// fn forget(target: &Target<'_>) {
///     if !target.is_forced() {
///         // SAFETY: no task is in `show` any more, and nobody else uses the id.
///         unsafe { READS.remove_all() };
///     }
/// }
/// ```
pub struct Shadow<T: Send + Sync + 'static> {
    id: usize,
    values: PhantomData<T>,
}

impl<T: Send + Sync + 'static> Shadow<T> {
    /// The variable with this id; for a `static`.
    ///
    /// # Safety
    ///
    /// As long as the kernel runs, all that has to do with shadow variables of this id
    ///
    /// - goes through `Shadow` of the same version of molt, and
    /// - with the same `T`: compiled from the same definition, and `repr(C)` if it is a struct, an
    ///   enum or a union.
    ///
    /// If values may outlive the patch module that made them, `T` holds nothing that points into
    /// that module: no reference to its statics (string literals are some), no function, no trait
    /// object.
    pub const unsafe fn new(id: usize) -> Self {
        Self {
            id,
            values: PhantomData,
        }
    }

    /// The value of `object`, if it has one.
    ///
    /// Any context. The address is compared, never followed.
    pub fn get<O>(&self, object: *const O) -> Option<&T> {
        // SAFETY: looks the address up, which may be any.
        let found = unsafe { bindings::klp_shadow_get(address(object), self.id) };
        // SAFETY: the requirement of `new`: the entry was made by `get_or_try_init` with this `T`.
        // Its value is dropped by `remove` and `remove_all` only, whose requirement is that nobody
        // uses this reference any more.
        unsafe { value(found) }
    }

    /// The value of `object`; what `init` makes when there is none.
    ///
    /// `init` runs without a lock, in the caller's context. When others do the same for the object
    /// at the same time, the value of one becomes the object's, all get that one, and the other
    /// values are dropped. Any context but NMI in which `flags` may be used.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn get_or_init<O>(
        &self,
        object: *const O,
        init: impl FnOnce() -> T,
        flags: Flags,
    ) -> Result<&T> {
        self.get_or_try_init(object, || Ok(init()), flags)
    }

    /// As [`get_or_init`](Self::get_or_init), for an `init` that can fail.
    ///
    /// # Errors
    ///
    /// That of `init`; `ENOMEM`.
    pub fn get_or_try_init<O>(
        &self,
        object: *const O,
        init: impl FnOnce() -> Result<T>,
        flags: Flags,
    ) -> Result<&T> {
        if let Some(value) = self.get(object) {
            return Ok(value);
        }
        let link = Link {
            next: ptr::null_mut(),
        };
        let value = init()?;
        let mut offered = KBox::into_raw(KBox::new(Linked { link, value }, flags)?);
        // SAFETY: `adopt` is for an entry of one pointer and for `offered`, which outlives the
        // call.
        let found = unsafe {
            bindings::klp_shadow_get_or_alloc(
                address(object),
                self.id,
                size_of::<*mut Linked<T>>(),
                raw(flags),
                Some(adopt::<T>),
                (&raw mut offered).cast(),
            )
        };
        if !offered.is_null() {
            // SAFETY: from `KBox::into_raw`, and still ours: the table has another, or none.
            drop(unsafe { KBox::from_raw(offered) });
        }
        // SAFETY: as in `get`.
        unsafe { self::value(found) }.ok_or(ENOMEM)
    }

    /// Takes the value of `object` away from it, for the caller to drop.
    ///
    /// Any context but NMI.
    ///
    /// # Safety
    ///
    /// Nobody uses a reference to the object's value any more, and nobody gets or removes it while
    /// this runs. This is so where the kernel frees the object, because no user of the object is
    /// left then.
    pub unsafe fn remove<O>(&self, object: *const O) -> Option<T> {
        // SAFETY: as in `get`.
        let found = unsafe { bindings::klp_shadow_get(address(object), self.id) };
        let found = NonNull::new(found.cast::<*mut Linked<T>>())?;
        // SAFETY: by the requirement of `new` it is an entry of `adopt`, and by ours nobody else
        // removes it.
        let entry = unsafe { found.read() };
        // SAFETY: takes the entry off the table and frees it, but not what it points to.
        unsafe { bindings::klp_shadow_free(address(object), self.id, None) };
        // SAFETY: a box that `get_or_try_init` gave to the table, which no longer has it.
        let entry = unsafe { KBox::from_raw(entry) };
        Some(KBox::into_inner(entry).value)
    }

    /// Removes and drops the values of all objects; says how many they were.
    ///
    /// Process context; sleeps.
    ///
    /// # Safety
    ///
    /// Nobody uses a reference to any of the values any more, and nobody removes one while this
    /// runs. This is so in the callback `post_unpatch` of `vmlinux` when no other patch uses the id
    /// and the callback's target is not [forced](crate::api::target::Target::is_forced): no
    /// task is in the patch's code then, so none has a reference that it got there.
    pub unsafe fn remove_all(&self) -> usize {
        // SAFETY: by the requirement of `new` all entries of the id point to a `Linked`, which
        // begins with its link.
        let mut next = unsafe { detach_all(self.id) }.cast::<Linked<T>>();
        let mut removed = 0;
        while !next.is_null() {
            // SAFETY: a box that `get_or_try_init` gave to the table, which no longer has it; by
            // our requirement nobody else does.
            let entry = unsafe { KBox::from_raw(next) };
            next = entry.link.next.cast();
            removed += 1;
        }
        removed
    }
}

/// The address of an object as the kernel's functions want it.
fn address<O>(object: *const O) -> *mut ffi::c_void {
    object.cast_mut().cast()
}

/// For the entry of the table: its memory is got under the same circumstances as the value's.
fn raw(flags: Flags) -> bindings::gfp_t {
    if flags.contains(GFP_KERNEL) {
        bindings::GFP_KERNEL
    } else if flags.contains(GFP_ATOMIC) {
        bindings::GFP_ATOMIC
    } else {
        bindings::GFP_NOWAIT
    }
}

/// The value behind what the table returned.
///
/// # Safety
///
/// `found` is null or an entry filled by [`adopt`] with the same `T`, whose value is not removed in
/// the lifetime `'a`.
unsafe fn value<'a, T>(found: *mut ffi::c_void) -> Option<&'a T> {
    let found = NonNull::new(found.cast::<*const Linked<T>>())?;
    // SAFETY: by the requirement; it was filled before it was put on the table.
    Some(unsafe { &(*found.read()).value })
}

/// Fills a new entry of the table. Runs under the table's lock with interrupts off.
///
/// # Safety
///
/// `data` has room for a pointer. `offered` points to one, which the table takes: null is left
/// there.
unsafe extern "C" fn adopt<T>(
    _object: *mut ffi::c_void,
    data: *mut ffi::c_void,
    offered: *mut ffi::c_void,
) -> ffi::c_int {
    // SAFETY: by the requirement.
    unsafe {
        let entry = offered.cast::<*mut Linked<T>>().replace(ptr::null_mut());
        data.cast::<*mut Linked<T>>().write(entry);
    }
    0
}

/// Whose turn it is to use [`COLLECTED`].
static COLLECTING: Slot<Mutex<()>> = Slot::new();

/// What `collect` has found for the owner of `COLLECTING`.
static COLLECTED: Atomic<*mut Link> = Atomic::new(ptr::null_mut());

/// Makes [`Shadow::remove_all`] possible as long as it lives. Only the core module holds one.
pub(crate) struct Collecting {
    _turn: Published<Mutex<()>>,
}

impl Collecting {
    /// Process context.
    pub(crate) fn start() -> Result<Self> {
        let turn = Arc::pin_init(new_mutex!(()), GFP_KERNEL)?;
        Ok(Self {
            _turn: COLLECTING.publish(turn),
        })
    }
}

/// Takes all entries with `id` off the table and links their boxes.
///
/// The table's destructor is told nothing but the entry, so what it finds goes through one static,
/// which belongs to one caller at a time. It is in the core because every patch has its own
/// `Shadow`.
///
/// # Safety
///
/// Each entry with `id` holds a pointer to what begins with a [`Link`], which nobody else uses.
pub(crate) unsafe fn detach_all(id: usize) -> *mut ffi::c_void {
    // A patch module depends on the core, so the core is there.
    let Some(turn) = COLLECTING.get() else {
        return ptr::null_mut();
    };
    let _owner = turn.lock();
    // SAFETY: `collect` is for such entries.
    unsafe { bindings::klp_shadow_free_all(id, Some(collect)) };
    COLLECTED.xchg(ptr::null_mut(), Relaxed).cast()
}

/// Puts the box of an entry that is being freed on the list. Under the table's lock, interrupts
/// off.
///
/// # Safety
///
/// As for [`detach_all`], whose thread this runs on.
unsafe extern "C" fn collect(_object: *mut ffi::c_void, data: *mut ffi::c_void) {
    // SAFETY: by the requirement.
    let link = unsafe { data.cast::<*mut Link>().read() };
    // SAFETY: as above.
    unsafe { (*link).next = COLLECTED.load(Relaxed) };
    COLLECTED.store(link, Relaxed);
}
