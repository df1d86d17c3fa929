// SPDX-License-Identifier: GPL-2.0
//! The interface between the core and patch modules has a version.

use anyhow::{ensure, Result};
use rustix::io::Errno;

use crate::guest::snapshot::Snapshot;
use crate::guest::{check, log, module, Guest};

scenarios! { api:
    stale_module.only_stop_machine("nothing is changed"),
    without_the_core.only_stop_machine("nothing is changed"),
}

/// A patch built for another version of the core is refused by the loader.
fn stale_module(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    module::refuse("patch_stale", "", Errno::NOENT)?;
    ensure!(
        log::read()?.contains("patch_stale: Unknown symbol _R"),
        "the loader did not say which symbol it misses"
    );
    before.expect_same()
}

/// Without the core no patch loads.
fn without_the_core(_: &Guest) -> Result<()> {
    module::load_all(&["target"])?;
    let before = Snapshot::take()?;
    check::refused("insmod", module::load("patch_value"), Errno::NOENT)?;
    before.expect_same()
}
