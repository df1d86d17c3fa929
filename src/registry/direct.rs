// SPDX-License-Identifier: GPL-2.0

//! How calls are redirected while nothing changes: by the handler, or by a jump at the entry.
//!
//! ```text
//!              settle: put jumps, then leave the handler
//!   handled ──────────────────────────────────────────────> jumps
//!      ^                                                      │
//!      └──────────────────────────────────────────────────────┘
//!              rouse: enter the handler, then take the jumps away
//! ```
//!
//! In between both are there, and both send calls to the same place, so no call meets anything else
//! (but for those that a tracer's callback makes, see "Known limits" in `docs/design.md`). Only
//! what is handled changes. Functions that were armed together go together.

use crate::registry::site::jumps;
use crate::edge::kernel::symbols::Symbolic;
use crate::error::Cause;
use crate::error::Refusal;
use crate::patch::redirection::Redirection;
use crate::patch::Patch;
use crate::registry::site::Site;
use crate::registry::Registry;
use kernel::prelude::*;
use kernel::sync::Arc;

impl Registry {
    /// Before a change of the sites with these indices: their calls are handled. Process context.
    pub(crate) fn rouse(&mut self, indices: impl Iterator<Item = usize>) -> Result<(), Refusal> {
        for index in indices {
            let Some(first) = self.sites.get(index) else {
                continue;
            };
            if !first.redirect.has_jump() {
                continue;
            }
            let jumps = jumps(&self.sites, |site| site.is_beside(first))?;
            let handled = self.jumps.shared(|| first.redirect.handle());
            handled
                .and_then(|()| self.jumps.take(&jumps))
                .map_err(|error| {
                    Refusal::new(
                        Cause::Owned,
                        fmt!("ftrace does not take back its jumps: {:?}", error),
                    )
                })?;
            first.redirect.set_jump(false);
        }
        self.note_jumps();
        Ok(())
    }

    /// After a change: disarms functions that no patch is on any more, and settles the others.
    /// Process context; waits for who is in the handler.
    pub(crate) fn tidy(&mut self) {
        self.prune();
        self.settle();
    }

    /// After a change: functions get jumps whose patches want them, and lose them whose do not.
    /// What cannot be had is left as it is: another direct user has the function, perhaps. Process
    /// context; waits for who is in the handler.
    pub(crate) fn settle(&mut self) {
        for index in 0..self.sites.len() {
            let Some(first) = self.sites.get(index) else {
                continue;
            };
            let mut group = self.sites.iter().filter(|site| site.is_beside(first));
            // What fails is seen in `jumps` of the patches.
            let _ = match (group.all(wants_jump), first.redirect.has_jump()) {
                (true, false) => self.put(index),
                (false, true) => self.rouse([index].into_iter()).map_err(|_| EBUSY),
                _ => Ok(()),
            };
        }
        self.note_jumps();
    }

    /// Gives the functions that were armed with this one their jumps.
    fn put(&mut self, index: usize) -> Result {
        let Some(first) = self.sites.get(index) else {
            return Ok(());
        };
        let jumps = jumps(&self.sites, |site| site.is_beside(first))?;
        self.jumps.put(&jumps)?;
        first.redirect.set_jump(true);
        first.redirect.pass_by()
    }

    /// Chooses how calls of `patch` are redirected from now on. Process context; as
    /// [`Registry::settle`].
    pub(crate) fn choose(
        &mut self,
        patch: &Arc<Patch>,
        redirection: Redirection,
    ) -> Result<(), Refusal> {
        let before = {
            let mut status = patch.status.lock();
            core::mem::replace(&mut status.redirection, redirection)
        };
        for site in self.sites.iter_mut().filter(|site| is_newest(site, patch)) {
            site.wanted = false;
        }
        self.settle();
        let has_jumps = patch.status.lock().jumps;
        if redirection == Redirection::Direct && self.is_on_top(patch) && !has_jumps {
            patch.status.lock().redirection = before;
            self.settle();
            let mut on_top = self.sites.iter().filter(|site| is_newest(site, patch));
            let parted = on_top.find(|site| site.redirect.is_parted());
            return Err(match parted {
                Some(site) => Refusal::new(
                    Cause::Owned,
                    fmt!(
                        "{} is part of a transition that is under way",
                        Symbolic(site.function.address)
                    ),
                ),
                None => Refusal::new(
                    Cause::Owned,
                    fmt!("a function is called directly by another (a BPF program?), or is shared with a patch that wants `ftrace`"),
                ),
            });
        }
        Ok(())
    }

    /// Gives functions back that have jumps only as long as nobody else wants them, of those whose
    /// address is `wanted`. Process context; sleeps.
    pub(crate) fn give_back(&mut self, wanted: impl Fn(usize) -> bool) {
        for site in self.sites.iter_mut() {
            if wanted(site.function.address) {
                site.wanted = true;
            }
        }
        self.settle();
    }

    /// Whether it is the newest patch of a function.
    fn is_on_top(&self, patch: &Arc<Patch>) -> bool {
        self.sites.iter().any(|site| is_newest(site, patch))
    }

    /// For sysfs.
    fn note_jumps(&self) {
        for patch in self.patches() {
            let mut on_top = self.sites.iter().filter(|site| is_newest(site, patch));
            let jumps = self.is_on_top(patch) && on_top.all(|site| site.redirect.has_jump());
            patch.status.lock().jumps = jumps;
        }
    }
}

fn is_newest(site: &Site, patch: &Arc<Patch>) -> bool {
    site.newest()
        .is_some_and(|newest| Arc::ptr_eq(newest, patch))
}

/// Whether the newest patch on it wants jumps.
fn wants_jump(site: &Site) -> bool {
    if site.redirect.is_parted() {
        // Only the handler knows who is left behind.
        return false;
    }
    let chosen = site.newest().map(|patch| patch.status.lock().redirection);
    match chosen {
        None | Some(Redirection::Ftrace) => false,
        Some(Redirection::Direct) => true,
        Some(Redirection::Auto) => !site.wanted,
    }
}
