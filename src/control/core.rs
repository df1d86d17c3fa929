// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/molt`, and the files in it that are of no patch.

#[cfg(molt_check)]
use crate::stacks::crosscheck;
use crate::{
    control::text::{
        consistency,
        line,
        lines,
        number, //
    },
    edge::kernel::sysfs::{
        Dir,
        Directory,
        File,
        Parent, //
    },
    pure::word::Word,
    registry::shared::Shared, //
};
#[cfg(molt_check)]
use core::sync::atomic::Ordering;
use kernel::{
    prelude::*,
    str::CStr,
    sync::{
        atomic::Relaxed,
        Arc, //
    }, //
};

/// `/sys/kernel/molt`.
pub(crate) struct CoreDir(Dir<CoreNode>);

struct CoreNode(Arc<Shared>);

impl CoreDir {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self> {
        Ok(Self(Dir::new(Parent::kernel(), c"molt", CoreNode(shared))?))
    }

    /// Whether one of its files has this name, which no patch can have then.
    pub(crate) fn has_file(name: &CStr) -> bool {
        CoreNode::has_file(name)
    }

    /// Where the directories of patches are.
    pub(super) fn as_parent(&self) -> Parent<'_> {
        self.0.as_parent()
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
                    fmt!("{}", crosscheck::OVERFLOW_EVERY.load(Ordering::Relaxed)),
                )
            },
            |_, written| {
                crosscheck::OVERFLOW_EVERY.store(number(written)?, Ordering::Relaxed);
                Ok(())
            },
        ),
    ];
}
