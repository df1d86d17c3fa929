// SPDX-License-Identifier: GPL-2.0

//! Where nobody may be when a change is made.

use crate::{
    patch::change::Change,
    pure::ranges::Range, //
};
use kernel::{
    alloc::AllocError,
    prelude::*, //
};

/// The text that is checked for tasks inside, by direction.
#[derive(PartialEq)]
pub(crate) struct Checked {
    /// When the change is made.
    pub(crate) forward: KVec<Range>,
    /// When it is taken back.
    pub(crate) reverse: KVec<Range>,
}

impl Checked {
    pub(crate) const fn new() -> Self {
        Self {
            forward: KVec::new(),
            reverse: KVec::new(),
        }
    }

    /// A copy.
    pub(crate) fn copy(&self) -> Result<Self, AllocError> {
        Ok(Self {
            forward: copy(&self.forward)?,
            reverse: copy(&self.reverse)?,
        })
    }

    /// What is checked for the opposite change.
    pub(crate) fn reversed(self) -> Self {
        let Self { forward, reverse } = self;
        Self {
            forward: reverse,
            reverse: forward,
        }
    }

    /// Widens both, in a transition of `change`, for functions of which nobody is in anything:
    /// `to_enable` has the directions for enabling them.
    pub(crate) fn widen(&mut self, change: Change, to_enable: &Self) -> Result<(), AllocError> {
        let (enabling, disabling) = change.order(&mut self.forward, &mut self.reverse);
        add(enabling, &to_enable.forward)?;
        add(disabling, &to_enable.reverse)
    }

    /// Forgets what is in `gone`, where nobody is any more, and something else may come to be.
    pub(crate) fn forget(&mut self, gone: Range) {
        for ranges in [&mut self.forward, &mut self.reverse] {
            ranges.retain(|range| !gone.holds(range.start));
        }
    }
}

/// Those that are not there yet: a module may come and go often.
fn add(ranges: &mut KVec<Range>, more: &[Range]) -> Result<(), AllocError> {
    for range in more {
        if !ranges.contains(range) {
            ranges.push(*range, GFP_KERNEL)?;
        }
    }
    Ok(())
}

/// A copy of the ranges.
pub(crate) fn copy(ranges: &[Range]) -> Result<KVec<Range>, AllocError> {
    let mut copy = KVec::with_capacity(ranges.len(), GFP_KERNEL)?;
    copy.extend_from_slice(ranges, GFP_KERNEL)?;
    Ok(copy)
}
