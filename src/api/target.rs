// SPDX-License-Identifier: GPL-2.0

//! What a callback is told.

use crate::edge::mechanism::state::{
    Previous,
    State,
    StateHead, //
};
use kernel::str::CStr;

/// The system states of the patches below one that changes.
pub(crate) trait LowerStates {
    /// The state with this id of the newest of them that has it.
    fn find(&self, id: usize) -> Option<&StateHead>;
}

/// What a callback is told: the object that it is called for. Also the proof that a callback is
/// running, during which no patch changes.
pub struct Target<'a> {
    name: &'a CStr,
    forced: bool,
    /// Of the patches below the one that is called. They stay loaded for `'a`.
    lower: &'a dyn LowerStates,
}

impl<'a> Target<'a> {
    pub(crate) fn new(name: &'a CStr, forced: bool, lower: &'a dyn LowerStates) -> Self {
        Self {
            name,
            forced,
            lower,
        }
    }

    /// `vmlinux`, or the name of a module, which is loaded.
    #[inline]
    pub fn name(&self) -> &CStr {
        self.name
    }

    /// Whether it is the kernel's image.
    #[inline]
    pub fn is_vmlinux(&self) -> bool {
        self.name == c"vmlinux"
    }

    /// Whether tasks may be in the patch's code although it is off: functions were forced, by the
    /// patch itself or by the operator. What they use must stay then; so does the module.
    #[inline]
    pub fn is_forced(&self) -> bool {
        self.forced
    }
}

/// The state with this id of the newest patch below that has it. (No method, because rustc 1.85
/// does not survive exporting one whose type has a lifetime.)
pub(crate) fn previous<'a>(target: &Target<'a>, id: usize) -> Option<Previous<'a>> {
    let head = target.lower.find(id)?;
    Some(Previous::new(head))
}

impl<T: Send + Sync + 'static> State<T> {
    /// The same state of the patch before this one: of the newest patch below that has it.
    ///
    /// `target` proves that a callback is running, so that no patch comes or goes. While this patch
    /// is being enabled, the patches that it replaces still count, in `post_patch` too; while it is
    /// being disabled, those that lie below it do.
    pub fn previous<'a>(&self, target: &Target<'a>) -> Option<Previous<'a>> {
        previous(target, self.head().known().id)
    }
}
