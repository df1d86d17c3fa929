// SPDX-License-Identifier: GPL-2.0

//! The console's log level, which the `patch_level` patches raise, and what they remember of it.
//! All of them are compiled from this file, so one may read what another remembers.

use core::ptr;
use molt::prelude::*;

unsafe extern "C" {
    /// The journal of the tests.
    fn journal_note(who: *const c_char, what: *const c_char, place: *const c_char) -> c_int;
}

/// What the patches raise it to.
const RAISED: c_int = 12;

/// The state that the patches have in common.
pub(crate) const ID: usize = 0x1e7e1;

/// What versions 1 and 2 remember.
#[repr(C)]
pub(crate) struct Level {
    pub(crate) number: c_int,
}

impl Drop for Level {
    fn drop(&mut self) {
        note(c"level", c"forgotten");
    }
}

/// Data of a state, with an entry in the journal that they are there.
pub(crate) fn remember<T>(who: &'static CStr, data: T) -> Result<Arc<T>> {
    let data = Arc::new(data, GFP_KERNEL)?;
    note(who, c"remembered");
    Ok(data)
}

/// Notes an entry in the journal.
pub(crate) fn note(who: &'static CStr, what: &'static CStr) {
    // SAFETY: three strings of C.
    unsafe { journal_note(who.as_char_ptr(), what.as_char_ptr(), c"".as_char_ptr()) };
}

fn console() -> *mut c_int {
    // The first of several numbers; C does not say how many.
    (&raw mut crate::c::console_printk).cast()
}

/// The level as it is.
pub(crate) fn now() -> c_int {
    // SAFETY: a number that the kernel and its users write without a lock.
    unsafe { ptr::read_volatile(console()) }
}

pub(crate) fn set(level: c_int) {
    // SAFETY: as above.
    unsafe { ptr::write_volatile(console(), level) };
}

pub(crate) fn raise() {
    set(RAISED);
}
