// SPDX-License-Identifier: GPL-2.0

//! A patch that raises the console's log level and gives it back, in versions 1 and 2 of the state:
//! mainline's example of a system state. Each is one call of [`level!`](level).

use super::data::{self, Level};
use crate::VERSION;
use molt::prelude::*;

/// The patch of version `VERSION`, which the file that calls this has, with this description. What
/// says the version is the replacement of the function that is named next; `replace: true` may
/// follow, as in `patch!`.
macro_rules! level {
    ($description:tt, $function:ident $(, replace: $replace:tt)? $(,)?) => {
        patch! {
            description: $description,
            license: "GPL",
            $(replace: $replace,)?
            states: [state::LEVEL],
            target: {
                $function: unsafe extern "C" fn() -> c_int => state::version,
                target_second: unsafe extern "C" fn() -> c_int => state::remembered,
                target_nap: unsafe extern "C" fn() -> c_int => state::nap,
                callbacks {
                    pre_patch: state::pre_patch,
                    post_patch: state::post_patch,
                    pre_unpatch: state::pre_unpatch,
                    post_unpatch: state::post_unpatch,
                },
            },
        }
    };
}
pub(crate) use level;

pub(crate) static LEVEL: State<Level> = State::new(data::ID, VERSION);

unsafe extern "C" {
    /// Sleeps until the test wakes it.
    fn target_wait();
}

/// Replaces `target_value` or `target_first`.
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
