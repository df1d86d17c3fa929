// SPDX-License-Identifier: GPL-2.0
//! Functions that must change together do, under load.
//!
//! The oracle is in `tests/modules/target/pair.c`: an outer function calls an
//! inner one, and a call that meets one old and one new is a mix.

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::Patch;
use crate::guest::{check, module, target, Guest};

scenarios! { atomic:
    toggled_200_times.seconds(300),
    oracle_sees_a_mix,
}

/// Kernel threads on all CPUs call the pair while it is switched on and off.
fn toggled_200_times(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    target::set("gap", 2000)?;
    target::hammer(3)?;
    let patch = Patch::load("patch_pair")?;
    let (mut attempts, mut longest) = (0, 0);
    for round in 0..200 {
        patch
            .write(if round % 2 == 0 { "0" } else { "1" })
            .with_context(|| {
                format!(
                    "round {round}: {}",
                    patch.attribute("last_error").unwrap_or_default()
                )
            })?;
        attempts += patch.number("attempts")?;
        longest = longest.max(patch.number("stop_ns")?);
        let pair = target::call("pair")?;
        let expected = if round % 2 == 0 { "0x11" } else { "0x22" };
        check::equal(&format!("pair() in round {round}"), pair.as_str(), expected)?;
    }
    target::hammer(0)?;
    let (old, new) = (target::count("olds")?, target::count("news")?);
    guest.note(format!(
        "{attempts} stops for 200 toggles, the longest {longest} ns"
    ));
    guest.note(format!("{old} old calls, {new} new calls"));
    target::expect("mixes", "0")?;
    ensure!(
        old > 200 && new > 200,
        "too little load: {old} old calls, {new} new calls"
    );
    patch.retire()
}

/// The oracle itself: a mainline livepatch of the inner function alone is a mix.
fn oracle_sees_a_mix(_: &Guest) -> Result<()> {
    module::load_all(&["target"])?;
    target::hammer(2)?;
    module::load_with("klp_owner", "symbol=target_inner")?;
    check::eventually("a mix is counted", || Ok(target::count("mixes")? > 0))?;
    target::hammer(0)?;
    module::load_all(&["molt"])?;
    check::refused("insmod patch_pair", module::load("patch_pair"), Errno::BUSY)
}
