// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/molt/<patch>`, and all that is in it.

use crate::{
    change::engine::Engine,
    control::{
        core::CoreDir,
        object::ObjectDir,
        text::{
            consistency,
            line,
            lines,
            one,
            word, //
        }, //
    },
    edge::kernel::sysfs::{
        Dir,
        Directory,
        File, //
    },
    patch::{
        change::Change,
        redirection::Redirection,
        Patch, //
    },
    pure::word::Word, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::Arc, //
};

/// The directory of one patch, with those of its objects and functions.
pub(crate) struct PatchDir {
    // Before the directory they are in, because fields are dropped in this order.
    _objects: KVec<ObjectDir>,
    _dir: Dir<PatchNode>,
    patch: Arc<Patch>,
}

struct PatchNode {
    engine: Arc<Engine>,
    patch: Arc<Patch>,
}

impl PatchDir {
    /// Whether one of its files has this name, which no object can have then.
    pub(crate) fn has_file(name: &CStr) -> bool {
        PatchNode::has_file(name)
    }

    /// Of `patch`, which `engine` can be asked to change. Process context.
    pub(crate) fn new(core: &CoreDir, engine: &Arc<Engine>, patch: Arc<Patch>) -> Result<Self> {
        let node = PatchNode {
            engine: engine.clone(),
            patch: patch.clone(),
        };
        let dir = Dir::new(core.as_parent(), patch.name(), node)?;
        let mut objects = KVec::with_capacity(patch.objects().len(), GFP_KERNEL)?;
        for (index, object) in patch.objects().iter().enumerate() {
            objects.push(
                ObjectDir::new(dir.as_parent(), &patch, index, object)?,
                GFP_KERNEL,
            )?;
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
        let stragglers = self.patch.stragglers();
        stragglers.map_or(0, |stragglers| stragglers.remaining())
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
                node.engine.request(&node.patch, change)
            },
        ),
        File::readable(c"state", |node, page| {
            line(page, fmt!("{}", node.patch.status.lock().progress.name()))
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
            if let Some(stragglers) = node.patch.stragglers() {
                stragglers.poke();
            }
            Ok(())
        }),
        File::writing(c"force", |node, written| {
            one(written)?;
            node.engine.force(&node.patch)
        }),
        File::writable(
            c"redirect",
            |node, page| {
                let redirection = node.patch.status.lock().redirection;
                line(page, fmt!("{}", redirection.name()))
            },
            |node, written| {
                let redirection = Redirection::named(word(written)).ok_or(EINVAL)?;
                node.engine.choose(&node.patch, redirection)
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
        File::private(c"blockers", |node, page| match node.patch.stragglers() {
            Some(stragglers) => lines(page, &stragglers.blockers()),
            None => lines(page, &node.patch.status.lock().blockers),
        }),
    ];
}
