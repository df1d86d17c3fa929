// SPDX-License-Identifier: GPL-2.0

//! Raises the console's log level, and remembers it as long as its module is loaded.

use data::Level;
use molt::prelude::*;

#[path = "level/data.rs"]
mod data;

patch! {
    description: "Raises the console's log level, and remembers it as long as its module is loaded",
    license: "GPL",
    states: [LEVEL],
    target: {
        target_nap: unsafe extern "C" fn() -> c_int => remembered,
        callbacks {
            pre_patch: pre_patch,
            post_patch: post_patch,
            pre_unpatch: pre_unpatch,
        },
    },
}

static LEVEL: State<Level> = State::new(data::ID, 1);

/// Replaces `target_nap`.
extern "C" fn remembered() -> c_int {
    LEVEL.get().map_or(-1, |level| level.number)
}

fn pre_patch(_target: &Target<'_>) -> Result {
    if LEVEL.get().is_none() {
        let number = data::now();
        LEVEL.set(data::remember(c"level", Level { number })?);
    }
    Ok(())
}

fn post_patch(_target: &Target<'_>) {
    data::raise();
}

fn pre_unpatch(_target: &Target<'_>) {
    if let Some(level) = LEVEL.get() {
        data::set(level.number);
    }
}
