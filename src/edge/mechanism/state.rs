// SPDX-License-Identifier: GPL-2.0

//! System states: changes of the system that outlast the patch which made them, and the data that
//! one patch hands to the next.

use crate::api::declaration::Target;
use crate::pure::versions::Known;
use core::marker::PhantomData;
use kernel::ffi::c_void;
use kernel::sync::atomic::ordering::Acquire;
use kernel::sync::atomic::ordering::Full;
use kernel::sync::atomic::Atomic;
use kernel::sync::rcu;
use kernel::sync::Arc;
use kernel::sync::ArcBorrow;

/// A change of the system that a patch makes, and the data that belong to it; for a `static` that
/// `states` of `patch!` names.
///
/// Patches that know the same change have a state with the same id. The version says which variant
/// of the change a patch knows, and what the data are.
///
/// The data are shared, not moved: the next patch gets a reference of its own with
/// [`previous`](Self::previous), so a change that is refused half way takes nothing from the patch
/// that stays. The last reference drops them. The patch's own goes with [`take`](Self::take), or
/// when its module is unloaded.
pub struct State<T: Send + Sync + 'static> {
    head: StateHead,
    data: PhantomData<Arc<T>>,
}

/// A [`State`] of any type.
///
/// # Invariants
///
/// `data` is null or from `Arc::into_raw` of an `Arc<T>` whose count it owns, and `release` drops
/// an `Arc<T>`, for one `T`.
pub struct StateHead {
    known: Known,
    data: Atomic<*mut c_void>,
    release: unsafe fn(*mut c_void),
}

impl<T: Send + Sync + 'static> State<T> {
    /// A state without data.
    pub const fn new(id: usize, version: u32) -> Self {
        // INVARIANT: null, and the `release` of `T`.
        Self {
            head: StateHead {
                known: Known { id, version },
                data: Atomic::new(core::ptr::null_mut()),
                release: release::<T>,
            },
            data: PhantomData,
        }
    }

    /// What the core is told.
    #[doc(hidden)]
    pub const fn head(&self) -> &StateHead {
        &self.head
    }

    /// The data. Any context but NMI, in replacements as well as in callbacks.
    pub fn get(&self) -> Option<Arc<T>> {
        // SAFETY: `new` has made the head for this `T`.
        unsafe { self.head.share() }
    }

    /// Gives the state these data; returns those that it had. Process context; sleeps.
    pub fn set(&self, data: Arc<T>) -> Option<Arc<T>> {
        let data = Arc::into_raw(data).cast_mut().cast();
        // SAFETY: `new` has made the head for this `T`.
        unsafe { self.head.replace(data) }
    }

    /// Takes the data out of the state. Process context; sleeps.
    pub fn take(&self) -> Option<Arc<T>> {
        // SAFETY: `new` has made the head for this `T`.
        unsafe { self.head.replace(core::ptr::null_mut()) }
    }

    /// The same state of the patch before this one: of the newest patch below that has it.
    ///
    /// `target` proves that a callback is running, so that no patch comes or goes. While this patch
    /// is being enabled, the patches that it replaces still count, in `post_patch` too; while it is
    /// being disabled, those that lie below it do.
    pub fn previous<'a>(&self, target: &Target<'a>) -> Option<Previous<'a>> {
        crate::api::declaration::previous(target, self.head.known.id)
    }
}

impl StateHead {
    /// Which state it is.
    pub(crate) fn known(&self) -> Known {
        self.known
    }

    /// Drops the data. For the core, before the patch module goes.
    pub(crate) fn clear(&self) {
        let data = self.exchange(core::ptr::null_mut());
        if !data.is_null() {
            // SAFETY: the count that the head owned, by the type invariant; it is ours now.
            unsafe { (self.release)(data) };
        }
    }

    /// Exchanges the data. Who has seen the old ones has a count of them when this returns.
    #[inline]
    fn exchange(&self, data: *mut c_void) -> *mut c_void {
        // Full: publishes what `data` points to; partner of the acquire in `share`.
        let old = self.data.xchg(data, Full);
        if !old.is_null() {
            // SAFETY: process context.
            unsafe { kernel::bindings::synchronize_rcu() };
        }
        old
    }

    /// # Safety
    ///
    /// The head is for `T`, and `data` is null or from `Arc::into_raw` of an `Arc<T>`.
    unsafe fn replace<T>(&self, data: *mut c_void) -> Option<Arc<T>> {
        // INVARIANT: by the requirement.
        let old = self.exchange(data);
        // SAFETY: by the type invariant the head had a count of it, which is ours now.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old.cast()) })
    }

    /// # Safety
    ///
    /// The head is for `T`.
    unsafe fn share<T>(&self) -> Option<Arc<T>> {
        let _guard = rcu::read_lock();
        let data = self.data.load(Acquire);
        if data.is_null() {
            return None;
        }
        // SAFETY: an `Arc<T>` by the type invariant. The count that the head had when we looked is
        // given up only after a grace period (`exchange`), which waits for the guard.
        Some(unsafe { ArcBorrow::from_raw(data.cast::<T>()) }.into())
    }
}

/// Drops what a [`State`] of `T` holds. Compiled into the patch module.
///
/// # Safety
///
/// `data` is from `Arc::into_raw` of an `Arc<T>`, and the caller gives up its count.
unsafe fn release<T>(data: *mut c_void) {
    // SAFETY: by the requirement.
    drop(unsafe { Arc::from_raw(data.cast::<T>()) });
}

/// A state of another patch, during a callback.
pub struct Previous<'a> {
    head: &'a StateHead,
}

impl<'a> Previous<'a> {
    /// `head` is alive for `'a`.
    pub(crate) fn new(head: &'a StateHead) -> Self {
        Self { head }
    }

    /// Which variant of the change the other patch knows.
    #[inline]
    pub fn version(&self) -> u32 {
        self.head.known.version
    }

    /// The data of the other patch, which keeps its own reference to them.
    ///
    /// # Safety
    ///
    /// `U` is the type that the other patch has for the data: compiled from the same definition,
    /// and `repr(C)` if it is a struct, an enum or a union. It holds nothing that points into the
    /// other patch's module: no reference to its statics (string literals are some), no function,
    /// no trait object.
    pub unsafe fn share<U: Send + Sync + 'static>(&self) -> Option<Arc<U>> {
        // SAFETY: by the requirement the head is for `U`.
        unsafe { self.head.share() }
    }
}
