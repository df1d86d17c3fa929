// SPDX-License-Identifier: GPL-2.0

//! Raises the console's log level and replaces no patch; knows version 1 of that.

use molt::prelude::*;

#[path = "level/data.rs"]
mod data;
#[path = "level/state.rs"]
mod state;

const VERSION: u32 = 1;

patch! {
    description: "Raises the console's log level and replaces no patch; knows version 1 of that",
    license: "GPL",
    states: [state::LEVEL],
    target: {
        target_first: unsafe extern "C" fn() -> c_int => state::version,
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
