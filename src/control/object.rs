// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/molt/<patch>/<object>`, and its functions.

use crate::api::declaration;
use crate::control::patch::PatchNode;
use crate::control::text::line;
use crate::edge::kernel::sysfs::Dir;
use crate::edge::kernel::sysfs::Directory;
use crate::edge::kernel::sysfs::File;
use crate::patch::status::Phase;
use crate::patch::Patch;
use kernel::prelude::*;
use kernel::str::CString;
use kernel::sync::Arc;

/// `<patch>/<object>`.
pub(super) struct ObjectDir {
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
    pub(super) fn new(
        parent: &Dir<PatchNode>,
        patch: &Arc<Patch>,
        index: usize,
        object: &'static declaration::Object,
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
        if self.patch.is_patched(self.index) {
            return "patched";
        }
        match self.patch.phase(self.index) {
            Phase::Absent if self.patch.is_enabled() => "pending",
            _ => "unpatched",
        }
    }
}

impl Directory for ObjectNode {
    const FILES: &'static [File<Self>] = &[
        File::readable(c"patched", |node, page| {
            let patched = node.patch.is_patched(node.index);
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
    function: &'static declaration::Function,
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
