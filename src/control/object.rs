// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/molt/<patch>/<object>`, and its functions.

use crate::{
    api::declaration,
    control::text::line,
    edge::kernel::sysfs::{
        Dir,
        Directory,
        File,
        Parent, //
    },
    patch::{
        status::Phase,
        Patch, //
    }, //
};
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

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
        parent: Parent<'_>,
        patch: &Arc<Patch>,
        index: usize,
        object: &'static declaration::Object,
    ) -> Result<Self> {
        let node = ObjectNode {
            patch: patch.clone(),
            index,
        };
        let dir = Dir::new(parent, object.name(), node)?;
        let mut functions = KVec::with_capacity(object.functions().len(), GFP_KERNEL)?;
        for (number, function) in object.functions().iter().enumerate() {
            // As livepatch names it: a name that is unique is the first of its kind.
            let position = function.sympos().max(1);
            let name = CString::try_from_fmt(fmt!("{},{}", function.name(), position))?;
            let node = FunctionNode {
                patch: patch.clone(),
                object: index,
                index: number,
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
    /// Index of its object, and of the function in that.
    object: usize,
    index: usize,
    function: &'static declaration::Function,
}

impl Directory for FunctionNode {
    const FILES: &'static [File<Self>] = &[
        File::private(c"old_addr", |node, page| {
            let address = node.patch.address(node.object, node.index);
            line(
                page,
                fmt!("{:#018x}", address.map_or(0, |address| address.0)),
            )
        }),
        File::private(c"new_addr", |node, page| {
            line(page, fmt!("{:#018x}", node.function.replacement().0))
        }),
        File::readable(c"force", |node, page| {
            line(page, fmt!("{}", i32::from(node.function.is_forced())))
        }),
    ];
}
