// SPDX-License-Identifier: GPL-2.0

//! What `target_object` does in `patch_shadow` and in its successor: they share the values, so they
//! share the definition of the types.

use kernel::{
    sync::atomic::{ordering::Relaxed, Atomic},
    time::{delay::fsleep, Delta},
};
use molt::prelude::*;

static BUILT: Atomic<i64> = Atomic::new(0);
static DROPPED: Atomic<i64> = Atomic::new(0);

/// A value that is counted. Dropping it sleeps, which the kernel complains about under a spin lock.
#[repr(C)]
struct Plain {
    number: c_long,
}

/// A value that must not lie just anywhere.
#[repr(C, align(64))]
struct Aligned {
    number: c_long,
}

// SAFETY: only the tests' patches use this id, all with this type, of which no pointer is a part.
static PLAIN: Shadow<Plain> = unsafe { Shadow::new(0x1234) };

// SAFETY: as above.
static ALIGNED: Shadow<Aligned> = unsafe { Shadow::new(0x1235) };

trait Value: Send + Sync + Sized + 'static {
    fn new(number: c_long) -> Self;
    /// The number, if the value is where such values may be.
    fn number(&self) -> c_long;
}

impl Value for Plain {
    fn new(number: c_long) -> Self {
        BUILT.fetch_add(1, Relaxed);
        Self { number }
    }

    fn number(&self) -> c_long {
        self.number
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        fsleep(Delta::from_micros(100));
        DROPPED.fetch_add(1, Relaxed);
    }
}

impl Value for Aligned {
    fn new(number: c_long) -> Self {
        Self { number }
    }

    fn number(&self) -> c_long {
        let address = core::ptr::from_ref(self) as usize;
        if address % align_of::<Self>() == 0 {
            self.number
        } else {
            EFAULT.to_errno() as c_long
        }
    }
}

/// Replaces `target_object` of `target/object.c`.
///
/// # Safety
///
/// Nobody removes a value while another uses it: the tests keep to that.
pub(crate) unsafe extern "C" fn object(
    object: *mut c_void,
    id: c_uint,
    operation: c_uint,
    value: c_long,
) -> c_long {
    let result = match id {
        // SAFETY: the requirement of this function.
        0x1234 => unsafe { operate(&PLAIN, object, operation, value) },
        // SAFETY: as above.
        0x1235 => unsafe { operate(&ALIGNED, object, operation, value) },
        _ => Err(EINVAL),
    };
    result.unwrap_or_else(|error| error.to_errno() as c_long)
}

/// # Safety
///
/// As for [`object`].
unsafe fn operate<T: Value>(
    shadow: &'static Shadow<T>,
    object: *mut c_void,
    operation: c_uint,
    number: c_long,
) -> Result<c_long> {
    Ok(match operation {
        0 => shadow.get(object).ok_or(ENOENT)?.number(),
        1 => shadow
            .get_or_init(object, || T::new(number), GFP_KERNEL)?
            .number(),
        // Slow, so that others who begin now build a value too.
        2 => shadow
            .get_or_init(
                object,
                || {
                    fsleep(Delta::from_millis(300));
                    T::new(number)
                },
                GFP_KERNEL,
            )?
            .number(),
        3 => shadow
            .get_or_try_init(object, || Err(EOVERFLOW), GFP_KERNEL)?
            .number(),
        // SAFETY: the requirement of this function.
        4 => unsafe { shadow.remove(object) }.ok_or(ENOENT)?.number(),
        // SAFETY: the requirement of this function.
        5 => unsafe { shadow.remove_all() }.try_into()?,
        6 => BUILT.load(Relaxed) as c_long,
        7 => DROPPED.load(Relaxed) as c_long,
        _ => return Err(EINVAL),
    })
}
