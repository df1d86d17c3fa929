// SPDX-License-Identifier: GPL-2.0

//! Callbacks that write down in `journal.ko` that they ran; for patches that have a `NAME`.

use super::NAME;
use kernel::error::to_result;
use molt::prelude::*;

unsafe extern "C" {
    /// `tests/modules/journal.c`: negative when the test wants the entry refused.
    fn journal_note(who: *const c_char, what: *const c_char, place: *const c_char) -> c_int;
}

fn note(what: &CStr, target: &Target<'_>) -> Result {
    // SAFETY: three terminated strings.
    to_result(unsafe {
        journal_note(
            NAME.as_char_ptr(),
            what.as_char_ptr(),
            target.name().as_char_ptr(),
        )
    })
}

/// Refuses when the test wants it.
pub(crate) fn pre_patch(target: &Target<'_>) -> Result {
    note(c"pre_patch", target)
}

/// Only notes.
pub(crate) fn post_patch(target: &Target<'_>) {
    let _ = note(c"post_patch", target);
}

/// Only notes.
pub(crate) fn pre_unpatch(target: &Target<'_>) {
    let _ = note(c"pre_unpatch", target);
}

/// Only notes; and whether somebody may be in the patch's code.
pub(crate) fn post_unpatch(target: &Target<'_>) {
    let what = match target.is_forced() {
        true => c"post_unpatch_forced",
        false => c"post_unpatch",
    };
    let _ = note(what, target);
}
