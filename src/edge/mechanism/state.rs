// SPDX-License-Identifier: GPL-2.0

//! System states: changes of the system that outlast the patch which made them, and the data that
//! one patch hands to the next.

use crate::{
    edge::kernel::slot::Place,
    pure::versions::Known, //
};
use core::marker::PhantomData;
use kernel::{
    ffi::c_void,
    sync::Arc, //
};

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
///
/// # Examples
///
/// A patch that allocates a counter, or goes on with that of the patch before it:
///
/// ```ignore
/// use kernel::sync::atomic::{Atomic, Relaxed};
/// use molt::prelude::*;
///
/// patch! {
///     description: "An example",
///     license: "GPL",
///     states: [COUNTER],
///     vmlinux: {
///         cmdline_proc_show => show,
///         callbacks { pre_patch: begin },
///     },
/// }
///
/// static COUNTER: State<Atomic<u32>> = State::new(0x636e_7472, 1);
///
/// fn begin(target: &Target<'_>) -> Result {
///     // SAFETY: all patches with this id have the same type for it.
///     let before = COUNTER.previous(target).and_then(|state| unsafe { state.share() });
///     let counter = match before {
///         Some(counter) => counter,
///         None => Arc::new(Atomic::new(0), GFP_KERNEL)?,
///     };
///     COUNTER.set(counter);
///     Ok(())
/// }
///
/// /// # Safety
/// ///
/// /// `m` is the open file, used by nobody else during the call.
/// unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
///     if let Some(counter) = COUNTER.get() {
///         counter.add(1, Relaxed);
///     }
///     // SAFETY: what the caller guarantees.
///     seq_print!(unsafe { SeqFile::from_raw(m) }, "counted\n");
///     0
/// }
/// ```
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
    data: Place,
    release: unsafe fn(*mut c_void),
}

impl<T: Send + Sync + 'static> State<T> {
    /// A state without data.
    pub const fn new(id: usize, version: u32) -> Self {
        // INVARIANT: both are for `T`.
        Self {
            head: StateHead {
                known: Known { id, version },
                data: Place::new(),
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
        unsafe { self.head.data.share() }
    }

    /// Gives the state these data; returns those that it had. Process context; sleeps.
    pub fn set(&self, data: Arc<T>) -> Option<Arc<T>> {
        // SAFETY: `new` has made the head for this `T`.
        unsafe { self.head.data.replace(Some(data)) }
    }

    /// Takes the data out of the state. Process context; sleeps.
    pub fn take(&self) -> Option<Arc<T>> {
        // SAFETY: `new` has made the head for this `T`.
        unsafe { self.head.data.replace(None) }
    }
}

impl StateHead {
    /// Which state it is.
    pub(crate) fn known(&self) -> Known {
        self.known
    }

    /// Drops the data. For the core, before the patch module goes.
    pub(crate) fn clear(&self) {
        let data = self.data.take();
        if !data.is_null() {
            // SAFETY: the count that the place owned; it is ours now, and for the `T` of `release`.
            unsafe { (self.release)(data) };
        }
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
        unsafe { self.head.data.share() }
    }
}
