// SPDX-License-Identifier: GPL-2.0

//! Raises the console's log level; remembers more than versions 1 and 2, whose data it takes over.

use data::Level;
use molt::prelude::*;

#[path = "level/data.rs"]
mod data;

patch! {
    description: "Raises the console's log level; remembers more than versions 1 and 2",
    license: "GPL",
    replace: true,
    states: [LEVELS],
    target: {
        target_value: unsafe extern "C" fn() -> c_int => hands,
        target_second: unsafe extern "C" fn() -> c_int => remembered,
        callbacks {
            pre_patch: pre_patch,
            post_patch: post_patch,
            pre_unpatch: pre_unpatch,
            post_unpatch: post_unpatch,
        },
    },
}

/// What this version remembers.
#[repr(C)]
struct Levels {
    number: c_int,
    /// How many patches have had it.
    hands: c_int,
}

impl Drop for Levels {
    fn drop(&mut self) {
        data::note(c"levels", c"forgotten");
    }
}

static LEVELS: State<Levels> = State::new(data::ID, 3);

/// Replaces `target_value`.
extern "C" fn hands() -> c_int {
    LEVELS.get().map_or(-1, |levels| 30 + levels.hands)
}

/// Replaces `target_second`.
extern "C" fn remembered() -> c_int {
    LEVELS.get().map_or(-1, |levels| levels.number)
}

fn pre_patch(target: &Target<'_>) -> Result {
    let (number, hands) = match LEVELS.previous(target) {
        Some(previous) if previous.version() == 3 => {
            // SAFETY: version 3 has `Levels`.
            let levels = unsafe { previous.share::<Levels>() }.ok_or(EINVAL)?;
            (levels.number, levels.hands)
        }
        Some(previous) => {
            // SAFETY: versions 1 and 2 have a `Level`, and this patch does not meet a higher one
            // than 3.
            let level = unsafe { previous.share::<Level>() }.ok_or(EINVAL)?;
            (level.number, 1)
        }
        None => (data::now(), 0),
    };
    let hands = hands.wrapping_add(1);
    LEVELS.set(data::remember(c"levels", Levels { number, hands })?);
    Ok(())
}

fn post_patch(_target: &Target<'_>) {
    data::raise();
}

fn pre_unpatch(_target: &Target<'_>) {
    if let Some(levels) = LEVELS.get() {
        data::set(levels.number);
    }
}

fn post_unpatch(_target: &Target<'_>) {
    LEVELS.take();
}
