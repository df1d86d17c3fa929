// SPDX-License-Identifier: GPL-2.0

//! A place for one shared value that others find without a lock.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)

use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    ffi::c_void,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full, //
            },
            Atomic, //
        },
        rcu,
        Arc,
        ArcBorrow, //
    }, //
};

/// A place for an `Arc` of a type that only its users know.
///
/// # Invariants
///
/// `at` is null or from `Arc::into_raw` of an `Arc<T>` whose count the place owns, for one `T`.
pub(in crate::edge) struct Place {
    at: Atomic<*mut c_void>,
}

impl Place {
    /// An empty one.
    pub(in crate::edge) const fn new() -> Self {
        // INVARIANT: null.
        Self {
            at: Atomic::new(ptr::null_mut()),
        }
    }

    /// Takes the value out, for a caller that knows how to drop it. Process context; sleeps.
    #[inline]
    pub(in crate::edge) fn take(&self) -> *mut c_void {
        self.exchange(ptr::null_mut())
    }

    /// Exchanges the value. Whoever has seen the old one has a count of it when this returns.
    #[inline]
    fn exchange(&self, value: *mut c_void) -> *mut c_void {
        // Full: publishes what `value` points to; partner of the acquire in `share`.
        let old = self.at.xchg(value, Full);
        if !old.is_null() {
            // SAFETY: process context.
            unsafe { kernel::bindings::synchronize_rcu() };
        }
        old
    }

    /// Exchanges the value. Process context; sleeps.
    ///
    /// # Safety
    ///
    /// The place is for `T`.
    pub(in crate::edge) unsafe fn replace<T>(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        let value = value.map_or(ptr::null_mut(), |value| {
            Arc::into_raw(value).cast_mut().cast()
        });
        // INVARIANT: by the requirement.
        let old = self.exchange(value);
        // SAFETY: by the type invariant the place had a count of it, which is ours now.
        (!old.is_null()).then(|| unsafe { Arc::from_raw(old.cast()) })
    }

    /// The value. Any context but NMI.
    ///
    /// # Safety
    ///
    /// The place is for `T`.
    pub(in crate::edge) unsafe fn share<T>(&self) -> Option<Arc<T>> {
        let _guard = rcu::read_lock();
        let at = self.at.load(Acquire);
        if at.is_null() {
            return None;
        }
        // SAFETY: an `Arc<T>` by the type invariant. The count that the place had when we looked is
        // given up only after a grace period (`exchange`), which waits for the guard.
        Some(unsafe { ArcBorrow::from_raw(at.cast::<T>()) }.into())
    }
}

/// A place for one value of `T`, for a `static`.
pub(crate) struct Slot<T: Send + Sync + 'static> {
    place: Place,
    value: PhantomData<Arc<T>>,
}

/// The value of a slot can be found as long as this lives.
pub(crate) struct Published<T: Send + Sync + 'static>(&'static Slot<T>);

impl<T: Send + Sync + 'static> Slot<T> {
    /// An empty slot.
    pub(crate) const fn new() -> Self {
        Self {
            place: Place::new(),
            value: PhantomData,
        }
    }

    /// The value, while one is published. Any context but NMI.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        // SAFETY: it is for `T`.
        unsafe { self.place.share() }
    }

    /// Lets others find `value`. One at a time; process context.
    pub(crate) fn publish(&'static self, value: Arc<T>) -> Published<T> {
        // SAFETY: it is for `T`.
        let before = unsafe { self.place.replace(Some(value)) };
        debug_assert!(before.is_none());
        Published(self)
    }
}

impl<T: Send + Sync + 'static> Drop for Published<T> {
    fn drop(&mut self) {
        // SAFETY: it is for `T`.
        drop(unsafe { self.0.place.replace::<T>(None) });
    }
}
