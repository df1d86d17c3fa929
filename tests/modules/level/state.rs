// SPDX-License-Identifier: GPL-2.0

//! A patch that raises the console's log level and gives it back, in versions 1 and 2 of the state:
//! mainline's example of a system state.

use super::data::{self, Level};
use crate::VERSION;
use molt::prelude::*;

pub(crate) static LEVEL: State<Level> = State::new(data::ID, VERSION);

unsafe extern "C" {
    /// Sleeps until the test wakes it.
    fn target_wait();
}

/// Replaces `target_value`.
pub(crate) extern "C" fn version() -> c_int {
    VERSION as c_int
}

/// Replaces `target_second`.
pub(crate) extern "C" fn remembered() -> c_int {
    LEVEL.get().map_or(-1, |level| level.number)
}

/// Replaces `target_nap`, in which a task can be in the way.
pub(crate) extern "C" fn nap() -> c_int {
    // SAFETY: sleeps, which the function that is replaced does too.
    unsafe { target_wait() };
    version()
}

pub(crate) fn pre_patch(target: &Target<'_>) -> Result {
    let level = match LEVEL.previous(target) {
        // SAFETY: versions 1 and 2 have a `Level`, and this patch does not meet a higher one.
        Some(previous) => unsafe { previous.share::<Level>() }.ok_or(EINVAL)?,
        None => {
            let number = data::now();
            data::remember(c"level", Level { number })?
        }
    };
    LEVEL.set(level);
    Ok(())
}

pub(crate) fn post_patch(_target: &Target<'_>) {
    data::raise();
}

pub(crate) fn pre_unpatch(target: &Target<'_>) {
    if let (None, Some(level)) = (LEVEL.previous(target), LEVEL.get()) {
        data::set(level.number);
    }
}

pub(crate) fn post_unpatch(_target: &Target<'_>) {
    LEVEL.take();
}
