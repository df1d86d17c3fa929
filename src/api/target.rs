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
///
/// # Examples
///
/// A callback that refuses to patch anything but the kernel's image:
///
/// ```ignore
/// use molt::prelude::*;
///
/// patch! {
///     description: "An example",
///     license: "GPL",
///     vmlinux: {
///         cmdline_proc_show => show,
///         callbacks { pre_patch: check },
///     },
/// }
///
/// fn check(target: &Target<'_>) -> Result {
///     if !target.is_vmlinux() {
///         pr_err!("{} is not for this patch\n", target.name());
///         return Err(EINVAL);
///     }
///     Ok(())
/// }
///
/// /// # Safety
/// ///
/// /// `m` is the open file, used by nobody else during the call.
/// unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
///     // SAFETY: what the caller guarantees.
///     seq_print!(unsafe { SeqFile::from_raw(m) }, "patched\n");
///     0
/// }
/// ```
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
    /// This state as the patch before this one has it: the newest patch below that has it.
    ///
    /// `target` proves that a callback is running, so that no patch comes or goes. While this patch
    /// is being enabled, the patches that it replaces still count, in `post_patch` too; while it is
    /// being disabled, those that lie below it do.
    pub fn previous<'a>(&self, target: &Target<'a>) -> Option<Previous<'a>> {
        previous(target, self.head().known().id)
    }
}
