// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/molt/<patch>`, and all that is in it.

use crate::patch::change::Change;
use crate::change::engine::Core;
use crate::control::object::ObjectDir;
use crate::control::text::consistency;
use crate::control::text::line;
use crate::control::text::lines;
use crate::control::text::one;
use crate::control::text::word;
use crate::edge::kernel::sysfs::Dir;
use crate::edge::kernel::sysfs::Directory;
use crate::edge::kernel::sysfs::File;
use crate::patch::redirection::Redirection;
use crate::patch::Patch;
use kernel::prelude::*;
use kernel::sync::Arc;

/// See the module's documentation.
pub(crate) struct PatchDir {
    // Before the directory they are in, because fields are dropped in this order.
    _objects: KVec<ObjectDir>,
    _dir: Dir<PatchNode>,
    patch: Arc<Patch>,
}

pub(super) struct PatchNode {
    core: Arc<Core>,
    patch: Arc<Patch>,
}

impl PatchDir {
    pub(crate) fn new(core: &Arc<Core>, patch: Arc<Patch>) -> Result<Self> {
        let node = PatchNode {
            core: core.clone(),
            patch: patch.clone(),
        };
        let dir = Dir::new(core.dir.0.as_parent(), patch.name(), node)?;
        let mut objects = KVec::with_capacity(patch.objects().len(), GFP_KERNEL)?;
        for (index, object) in patch.objects().iter().enumerate() {
            objects.push(ObjectDir::new(&dir, &patch, index, object)?, GFP_KERNEL)?;
        }
        Ok(Self {
            _objects: objects,
            _dir: dir,
            patch,
        })
    }

    pub(crate) fn patch(&self) -> &Arc<Patch> {
        &self.patch
    }
}

impl PatchNode {
    /// How many tasks a transition waits for.
    fn left(&self) -> usize {
        let transition = self.patch.transition();
        transition.map_or(0, |transition| transition.migration().left())
    }
}

impl Directory for PatchNode {
    const FILES: &'static [File<Self>] = &[
        File::writable(
            c"enabled",
            |node, page| line(page, fmt!("{}", i32::from(node.patch.is_enabled()))),
            |node, written| {
                let change = match word(written) {
                    b"0" => Change::Disable,
                    b"1" => Change::Enable,
                    _ => return Err(EINVAL),
                };
                node.core.request(&node.patch, change)
            },
        ),
        File::readable(c"state", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().state.name()))
        }),
        File::readable(c"transition", |node, page| {
            line(page, fmt!("{}", i32::from(node.patch.is_changing())))
        }),
        File::writable(
            c"consistency",
            |node, page| {
                let consistency = node.patch.status.lock().consistency;
                line(page, fmt!("{}", consistency.name()))
            },
            |node, written| {
                node.patch.status.lock().consistency = consistency(written)?;
                Ok(())
            },
        ),
        File::readable(c"tasks_left", |node, page| {
            line(page, fmt!("{}", node.left()))
        }),
        File::writing(c"poke", |node, written| {
            one(written)?;
            node.core.poke(&node.patch);
            Ok(())
        }),
        File::writing(c"force", |node, written| {
            one(written)?;
            node.core.force(&node.patch)
        }),
        File::writable(
            c"redirect",
            |node, page| {
                let redirection = node.patch.status.lock().redirection;
                line(page, fmt!("{}", redirection.name()))
            },
            |node, written| {
                let redirection = Redirection::named(word(written)).ok_or(EINVAL)?;
                node.core.choose(&node.patch, redirection)
            },
        ),
        File::readable(c"direct", |node, page| {
            line(page, fmt!("{}", i32::from(node.patch.status.lock().jumps)))
        }),
        File::readable(c"replace", |node, page| {
            line(page, fmt!("{}", i32::from(node.patch.replaces())))
        }),
        File::readable(c"forced", |node, page| {
            line(page, fmt!("{}", i32::from(node.patch.is_forced())))
        }),
        File::readable(c"stack_order", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().stack_order))
        }),
        File::readable(c"stop_ns", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().figures.stop_ns))
        }),
        File::readable(c"attempts", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().figures.attempts))
        }),
        File::readable(c"tasks_scanned", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().figures.scanned))
        }),
        File::readable(c"tasks_verified", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().figures.verified))
        }),
        File::readable(c"overflows", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().figures.overflows))
        }),
        File::readable(c"last_error", |node, page| {
            match &node.patch.status.lock().error {
                Some(error) => line(page, fmt!("{}", &**error)),
                None => line(page, fmt!("none")),
            }
        }),
        File::private(c"blockers", |node, page| match node.patch.transition() {
            Some(transition) => lines(page, &transition.blockers()),
            None => lines(page, &node.patch.status.lock().blockers),
        }),
    ];
}
