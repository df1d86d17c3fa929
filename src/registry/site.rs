// SPDX-License-Identifier: GPL-2.0

//! One function of the kernel with the replacements that enabled patches have put on it.

use crate::{
    edge::{
        kernel::{
            jumps::Jump,
            symbols, //
        },
        mechanism::redirect::Redirect, //
    },
    error::Refusal,
    patch::{
        function::KernelFunction,
        Patch, //
    },
    pure::{
        address::{
            CallTarget,
            FunctionAddress, //
        },
        ranges::Range, //
    }, //
};
use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::Arc, //
};

/// Which of the registry's functions: its place there, which stays the same during a change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SiteIndex(pub(super) usize);

/// One function's part in a change.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) site: SiteIndex,
    /// Where its calls have gone, and where they shall go.
    pub(crate) old: CallTarget,
    pub(crate) new: CallTarget,
}

impl Step {
    /// The step of the opposite change.
    pub(crate) fn reversed(self) -> Self {
        Self {
            old: self.new,
            new: self.old,
            ..self
        }
    }
}

/// A replacement on the stack of a site.
struct Layer {
    patch: Arc<Patch>,
    replacement: FunctionAddress,
    /// Its author knows that it may run at the same time as what it replaces.
    by_author: bool,
    /// That, or it was put on although tasks were in what it replaces.
    forced: bool,
}

/// A function that is armed, and its layers: the newest enabled patch is last and wins.
pub(crate) struct Site {
    pub(crate) function: KernelFunction,
    pub(crate) redirect: Redirect,
    /// A BPF program has asked for the function since its redirection was chosen.
    pub(crate) wanted: bool,
    layers: KVec<Layer>,
}

impl Site {
    /// `function`, armed by `redirect`; calls still pass through to it.
    pub(crate) fn new(function: KernelFunction, redirect: Redirect) -> Self {
        Self {
            function,
            redirect,
            wanted: false,
            layers: KVec::new(),
        }
    }

    /// Whether `patch` is the newest on it.
    pub(crate) fn is_newest(&self, patch: &Arc<Patch>) -> bool {
        self.newest()
            .is_some_and(|newest| Arc::ptr_eq(newest, patch))
    }

    /// Whether both were armed together.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.redirect.is_beside(&other.redirect)
    }

    /// The newest patch on it, which wins.
    pub(crate) fn newest(&self) -> Option<&Arc<Patch>> {
        self.layers.last().map(|layer| &layer.patch)
    }

    /// No patch is on it, so it need not be armed.
    pub(crate) fn is_bare(&self) -> bool {
        self.layers.is_empty() && !self.redirect.in_transition()
    }

    /// Whether `patch` is on it.
    pub(crate) fn has(&self, patch: &Arc<Patch>) -> bool {
        let mut layers = self.layers.iter();
        layers.any(|layer| Arc::ptr_eq(&layer.patch, patch))
    }

    /// What `patch` has put on it was forced, like one whose author said so.
    pub(crate) fn force(&mut self, patch: &Arc<Patch>) {
        for layer in self.layers.iter_mut() {
            layer.forced |= Arc::ptr_eq(&layer.patch, patch);
        }
    }

    /// Where calls would go without `patch`.
    pub(crate) fn target_without(&self, patch: &Arc<Patch>) -> CallTarget {
        self.layers
            .iter()
            .rev()
            .find(|layer| !Arc::ptr_eq(&layer.patch, patch))
            .map_or(CallTarget::Original, |layer| {
                CallTarget::Replacement(layer.replacement)
            })
    }

    /// Makes room for one more layer, so that [`Site::push`] cannot fail.
    pub(crate) fn reserve(&mut self) -> Result<(), AllocError> {
        self.layers.reserve(1, GFP_KERNEL)
    }

    /// Puts `patch` on top, in room made by [`Site::reserve`].
    pub(crate) fn push(&mut self, patch: Arc<Patch>, replacement: FunctionAddress, forced: bool) {
        let pushed = self.layers.push_within_capacity(Layer {
            patch,
            replacement,
            by_author: forced,
            forced,
        });
        debug_assert!(pushed.is_ok());
    }

    /// Takes `patch` away.
    pub(crate) fn remove(&mut self, patch: &Arc<Patch>) {
        self.layers
            .retain(|layer| !Arc::ptr_eq(&layer.patch, patch));
    }

    /// Whether the replacement that is live was forced: then tasks may be anywhere in it when calls
    /// go elsewhere, as its author said and its module stays.
    pub(crate) fn is_forced(&self) -> bool {
        self.layers.last().is_some_and(|live| live.forced)
    }

    /// Whether that may come at any time, because its author said so.
    fn is_forced_by_author(&self) -> bool {
        self.layers.last().is_some_and(|live| live.by_author)
    }

    /// Adds where nobody may be when calls go elsewhere: the way there, what runs now, and what
    /// runs still because something was forced over it. If what comes is `forced`, tasks may be
    /// inside, but not on their way: they may go where soon nothing is.
    pub(crate) fn vacated(&self, forced: bool, ranges: &mut KVec<Range>) -> Result<(), Refusal> {
        self.vacated_by(self.layers.iter(), forced, ranges)
    }

    /// Adds where nobody may be when what is live now comes again, after the function went without
    /// `patch`.
    pub(crate) fn vacated_without(
        &self,
        patch: &Arc<Patch>,
        ranges: &mut KVec<Range>,
    ) -> Result<(), Refusal> {
        let others = |layer: &&Layer| !Arc::ptr_eq(&layer.patch, patch);
        let forced = self.is_forced_by_author();
        self.vacated_by(self.layers.iter().filter(others), forced, ranges)
    }

    /// Adds where nobody may be when what is live now comes again, after the function went without
    /// any patch.
    pub(crate) fn vacated_bare(&self, ranges: &mut KVec<Range>) -> Result<(), Refusal> {
        self.vacated_by([].iter(), self.is_forced_by_author(), ranges)
    }

    fn vacated_by<'a>(
        &self,
        layers: impl DoubleEndedIterator<Item = &'a Layer>,
        forced: bool,
        ranges: &mut KVec<Range>,
    ) -> Result<(), Refusal> {
        ranges.push(self.function.entry(), GFP_KERNEL)?;
        if forced {
            return Ok(());
        }
        for layer in layers.rev() {
            ranges.push(symbols::body_at(layer.replacement), GFP_KERNEL)?;
            if !layer.forced {
                return Ok(());
            }
        }
        ranges.extend_from_slice(&self.function.body, GFP_KERNEL)?;
        Ok(())
    }
}

/// The jumps that stand for what the handler does with the sites for which `holds` is true.
pub(crate) fn jumps(
    sites: &[Site],
    holds: impl Fn(&Site) -> bool,
) -> Result<KVec<Jump>, AllocError> {
    let mut jumps = KVec::new();
    for armed in sites.iter().filter(|site| holds(site)) {
        if let CallTarget::Replacement(target) = armed.redirect.target() {
            let site = armed.function.site;
            jumps.push(Jump { site, target }, GFP_KERNEL)?;
        }
    }
    Ok(jumps)
}
