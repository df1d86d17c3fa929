// SPDX-License-Identifier: GPL-2.0

//! What `/sys/kernel/molt` shows and takes. The ABI is described in `docs/abi.md`.
//!
//! ```text
//! /sys/kernel/molt/
//! ├── last_error  blockers              the last refusal of any patch
//! ├── budget_us                         for how long a stop window may hold the CPUs
//! ├── poke_ms                           after which stragglers are woken; 0 for never
//! ├── consistency                       of patches that choose none
//! └── <patch>/
//!     ├── enabled                       0 or 1; writing asks for the change and waits for it
//!     ├── redirect  direct              how calls are redirected: chosen, and in force
//!     ├── state  transition  consistency  replace  forced  stack_order
//!     ├── tasks_left  poke  force       of a transition: how many it waits for, what ends it sooner
//!     ├── stop_ns  attempts  tasks_scanned  tasks_verified  overflows
//!     ├── last_error  blockers          of the last change of this patch
//!     └── <object>/
//!         ├── patched  state
//!         └── <function,sympos>/
//!             ├── old_addr  new_addr    for root only
//!             └── force
//! ```

mod object;
mod patch;

pub(crate) use self::patch::PatchDir;

#[cfg(molt_check)]
use crate::check;
use crate::{
    blockers::Blockers,
    consistency::Consistency,
    edge::sysfs::{Dir, Directory, File, Page, Parent},
    shared::Shared,
};
#[cfg(molt_check)]
use core::sync::atomic::Ordering;
use kernel::{
    fmt::{self, Write as _},
    prelude::*,
    sync::{atomic::Relaxed, Arc},
};

/// Writes one value and the end of the line.
fn line(page: &mut Page<'_>, value: fmt::Arguments<'_>) -> fmt::Result {
    page.write_fmt(value)?;
    page.write_str("\n")
}

fn lines(page: &mut Page<'_>, blockers: &Blockers) -> fmt::Result {
    for blocker in blockers.lines() {
        line(page, fmt!("{}", &**blocker))?;
    }
    Ok(())
}

/// `/sys/kernel/molt`.
pub(crate) struct CoreDir(Dir<CoreNode>);

struct CoreNode(Arc<Shared>);

impl CoreDir {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self> {
        Ok(Self(Dir::new(Parent::kernel(), c"molt", CoreNode(shared))?))
    }
}

impl Directory for CoreNode {
    const FILES: &'static [File<Self>] = &[
        File::readable(c"last_error", |core, page| match &*core.0.refused.lock() {
            Some(refusal) => line(page, fmt!("{}", refusal)),
            None => line(page, fmt!("none")),
        }),
        File::private(c"blockers", |core, page| match &*core.0.refused.lock() {
            Some(refusal) => lines(page, &refusal.blockers),
            None => Ok(()),
        }),
        File::writable(
            c"budget_us",
            |core, page| line(page, fmt!("{}", core.0.budget_us.load(Relaxed))),
            |core, written| {
                core.0.budget_us.store(number(written)?, Relaxed);
                Ok(())
            },
        ),
        File::writable(
            c"poke_ms",
            |core, page| line(page, fmt!("{}", core.0.poke_ms.load(Relaxed))),
            |core, written| {
                core.0.poke_ms.store(number(written)?, Relaxed);
                Ok(())
            },
        ),
        File::writable(
            c"consistency",
            |core, page| line(page, fmt!("{}", core.0.consistency.lock().name())),
            |core, written| {
                *core.0.consistency.lock() = consistency(written)?;
                Ok(())
            },
        ),
        #[cfg(molt_check)]
        File::writable(
            c"overflow_every",
            |_, page| {
                line(
                    page,
                    fmt!("{}", check::OVERFLOW_EVERY.load(Ordering::Relaxed)),
                )
            },
            |_, written| {
                check::OVERFLOW_EVERY.store(number(written)?, Ordering::Relaxed);
                Ok(())
            },
        ),
    ];
}

/// What was written, without the end of the line.
fn word(written: &[u8]) -> &[u8] {
    written.strip_suffix(b"\n").unwrap_or(written)
}

/// A model of consistency that was written.
fn consistency(written: &[u8]) -> Result<Consistency> {
    Consistency::named(word(written)).ok_or(EINVAL)
}

/// A 1 that was written.
fn one(written: &[u8]) -> Result {
    match number(written)? {
        1 => Ok(()),
        _ => Err(EINVAL),
    }
}

/// A number that was written: decimal digits, perhaps with the end of a line.
fn number(written: &[u8]) -> Result<u32> {
    let digits = core::str::from_utf8(word(written)).map_err(|_| EINVAL)?;
    digits.parse().map_err(|_| EINVAL)
}
