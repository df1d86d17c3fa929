// SPDX-License-Identifier: GPL-2.0

//! What `/sys/kernel/molt` shows and takes. The ABI is described in `docs/abi.md`.
//!
//! ```text
//! /sys/kernel/molt/
//! ├── last_error  blockers              the last refusal of any patch
//! ├── budget_us                         for how long a stop window may hold the CPUs
//! └── <patch>/
//!     ├── enabled                       0 or 1; writing asks for the change and waits for it
//!     ├── redirect  direct              how calls are redirected: chosen, and in force
//!     ├── state  transition  consistency  replace  forced  stack_order
//!     ├── stop_ns  attempts  tasks_scanned  tasks_verified  overflows
//!     ├── last_error  blockers          of the last change of this patch
//!     └── <object>/
//!         ├── patched  state
//!         └── <function,sympos>/
//!             ├── old_addr  new_addr    for root only
//!             └── force
//! ```

#[cfg(molt_check)]
use crate::check;
use crate::{
    api,
    blockers::Blockers,
    edge::sysfs::{Dir, Directory, File, Page, Parent},
    object::Phase,
    patch::{Consistency, Patch, Redirection},
    request::Change,
    shared::Shared,
    worker::Core,
};
#[cfg(molt_check)]
use core::sync::atomic::Ordering;
use kernel::{
    fmt::{self, Write as _},
    prelude::*,
    str::CString,
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

/// A model of consistency that was written.
fn consistency(written: &[u8]) -> Result<Consistency> {
    Consistency::named(written.strip_suffix(b"\n").unwrap_or(written)).ok_or(EINVAL)
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
    let digits = core::str::from_utf8(written).map_err(|_| EINVAL)?;
    digits
        .strip_suffix('\n')
        .unwrap_or(digits)
        .parse()
        .map_err(|_| EINVAL)
}

/// `<patch>`, and all that is in it.
pub(crate) struct PatchDir {
    // Before the directory they are in, because fields are dropped in this order.
    _objects: KVec<ObjectDir>,
    _dir: Dir<PatchNode>,
    patch: Arc<Patch>,
}

struct PatchNode {
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

    pub(crate) fn patch(&self) -> &Patch {
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
                let change = match written.strip_suffix(b"\n").unwrap_or(written) {
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
            let state = node.patch.status.lock().state;
            line(page, fmt!("{}", i32::from(state.is_changing())))
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
                let name = written.strip_suffix(b"\n").unwrap_or(written);
                let redirection = Redirection::named(name).ok_or(EINVAL)?;
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

/// `<patch>/<object>`.
struct ObjectDir {
    // Before the directory they are in.
    _functions: KVec<Dir<FunctionNode>>,
    _dir: Dir<ObjectNode>,
}

struct ObjectNode {
    patch: Arc<Patch>,
    index: usize,
}

impl ObjectDir {
    /// `index` is the object's in the declaration.
    fn new(
        parent: &Dir<PatchNode>,
        patch: &Arc<Patch>,
        index: usize,
        object: &'static api::Object,
    ) -> Result<Self> {
        let node = ObjectNode {
            patch: patch.clone(),
            index,
        };
        let dir = Dir::new(parent.as_parent(), object.name(), node)?;
        let first = patch.first_function(index);
        let mut functions = KVec::with_capacity(object.functions().len(), GFP_KERNEL)?;
        for (number, function) in object.functions().iter().enumerate() {
            // As livepatch names it: a name that is unique is the first of its kind.
            let position = function.sympos().max(1);
            let name = CString::try_from_fmt(fmt!("{},{}", function.name(), position))?;
            let node = FunctionNode {
                patch: patch.clone(),
                index: first + number,
                function,
            };
            functions.push(Dir::new(dir.as_parent(), &name, node)?, GFP_KERNEL)?;
        }
        Ok(Self {
            _functions: functions,
            _dir: dir,
        })
    }
}

impl ObjectNode {
    fn state(&self) -> &'static str {
        match self.patch.phase(self.index) {
            phase if phase.is_live() => "patched",
            Phase::Absent if self.patch.is_enabled() => "pending",
            _ => "unpatched",
        }
    }
}

impl Directory for ObjectNode {
    const FILES: &'static [File<Self>] = &[
        File::readable(c"patched", |node, page| {
            let patched = node.patch.phase(node.index).is_live();
            line(page, fmt!("{}", i32::from(patched)))
        }),
        File::readable(c"state", |node, page| line(page, fmt!("{}", node.state()))),
    ];
}

/// `<patch>/<object>/<function,sympos>`.
struct FunctionNode {
    patch: Arc<Patch>,
    /// Among all functions of the patch.
    index: usize,
    function: &'static api::Function,
}

impl Directory for FunctionNode {
    const FILES: &'static [File<Self>] = &[
        File::private(c"old_addr", |node, page| {
            line(page, fmt!("{:#018x}", node.patch.address(node.index)))
        }),
        File::private(c"new_addr", |node, page| {
            line(page, fmt!("{:#018x}", node.function.replacement()))
        }),
        File::readable(c"force", |node, page| {
            line(page, fmt!("{}", i32::from(node.function.is_forced())))
        }),
    ];
}
