// SPDX-License-Identifier: GPL-2.0

//! Raises the console's log level; knows version 2 of that.

use molt::prelude::*;

#[path = "level/data.rs"]
mod data;
#[path = "level/state.rs"]
mod state;
use state::level;

const VERSION: u32 = 2;

level! {
    "Raises the console's log level; knows version 2 of that",
    target_value,
    replace: true,
}
