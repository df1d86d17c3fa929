// SPDX-License-Identifier: GPL-2.0

//! How calls are redirected while nothing changes: by the handler, or by a jump at the entry.
//!
//! ```text
//!              apply: put jumps, then leave the handler
//!   handled ──────────────────────────────────────────────> jumps
//!      ^                                                      │
//!      └──────────────────────────────────────────────────────┘
//!        enter_handler: enter the handler, then take the jumps
//! ```
//!
//! In between both are there, and both send calls to the same place, so no call meets anything
//! else (but for those that a tracer's callback makes, see `docs/design/limits.md`). Only functions
//! that are handled change. Functions that were armed together go together.

use crate::{
    edge::kernel::jumps::Jumps,
    error::{
        Cause,
        Refusal, //
    },
    patch::redirection::Redirection,
    registry::site::{
        self,
        Site,
        SiteIndex, //
    }, //
};
use kernel::prelude::*;

/// The jumps of all functions that have one.
pub(crate) struct Direct {
    jumps: Jumps,
}

impl Direct {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            jumps: Jumps::new()?,
        })
    }

    /// Before a change of the sites with these indices: their calls are handled. Process context.
    pub(crate) fn enter_handler(
        &mut self,
        sites: &[Site],
        indices: impl Iterator<Item = SiteIndex>,
    ) -> Result<(), Refusal> {
        for index in indices {
            let Some(first) = sites.get(index.0) else {
                continue;
            };
            if !first.redirect.has_jump() {
                continue;
            }
            let jumps = site::jumps(sites, |site| site.is_beside(first))?;
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
        Ok(())
    }

    /// After a change: functions get jumps whose patches want them, and lose them whose do not.
    /// What cannot be had is left as it is: another direct user has the function, perhaps. Process
    /// context; waits for callers that are in the handler.
    pub(crate) fn apply(&mut self, sites: &[Site]) {
        for (index, first) in sites.iter().enumerate() {
            let mut group = sites.iter().filter(|site| site.is_beside(first));
            // What fails is seen in `direct` of the patches.
            let _ = match (group.all(wants_jump), first.redirect.has_jump()) {
                (true, false) => self.put_direct(sites, first),
                (false, true) => {
                    let handled = self.enter_handler(sites, [SiteIndex(index)].into_iter());
                    handled.map_err(|_| EBUSY)
                }
                _ => Ok(()),
            };
        }
    }

    /// Gives the functions that were armed with this one their jumps.
    fn put_direct(&mut self, sites: &[Site], first: &Site) -> Result {
        let jumps = site::jumps(sites, |site| site.is_beside(first))?;
        self.jumps.put(&jumps)?;
        first.redirect.set_jump(true);
        first.redirect.pass_by()
    }

    /// Takes the jumps away of sites that go, those armed with `first` for which `goes` holds.
    pub(crate) fn take(
        &mut self,
        sites: &[Site],
        first: &Site,
        goes: impl Fn(&Site) -> bool,
    ) -> Result {
        let jumps = site::jumps(sites, |site| site.is_beside(first) && goes(site))?;
        self.jumps.take(&jumps)
    }
}

/// Whether the newest patch on it wants jumps.
fn wants_jump(site: &Site) -> bool {
    if site.redirect.in_transition() {
        // Only the handler knows the stragglers.
        return false;
    }
    let chosen = site.newest().map(|patch| patch.status.lock().redirection);
    match chosen {
        None | Some(Redirection::Ftrace) => false,
        Some(Redirection::Direct) => true,
        Some(Redirection::Auto) => !site.wanted,
    }
}
