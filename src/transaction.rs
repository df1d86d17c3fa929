// SPDX-License-Identifier: GPL-2.0

//! A change, in five phases: resolve, arm, scan, stop, publish.
//!
//! Enabling and disabling are the same change with other ranges and other targets. Only the worker
//! runs one, one at a time. Whatever fails, the functions that got armed are disarmed again; until
//! the flip nothing else has happened, and after it nothing can fail. The argument why this is
//! right is in `docs/design.md`.

use crate::{
    api,
    blockers::Found,
    edge::{ftrace::Window, stop, stop::Stopped},
    error::{Cause, Refusal},
    exits::Exits,
    function::Function,
    patch::{Figures, Patch},
    ranges::{Range, Ranges},
    registry::Registry,
    requester::Requester,
    scan,
    site::Site,
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{Delta, Instant, Monotonic},
};

/// Milliseconds between two tries: first and longest; it doubles from one to the other.
const PAUSE_MS: (u32, u32) = (1, 100);

/// One function's part in a change.
struct Step {
    /// Index among the registry's sites, which stay in place during a change.
    site: usize,
    /// Where calls shall go.
    target: usize,
}

/// How a stop window ended.
enum End {
    Flipped,
    Blocked,
    Vetoed,
}

/// A change under way.
pub(crate) struct Transaction<'a> {
    registry: &'a mut Registry,
    patch: &'a Arc<Patch>,
    exits: &'a Exits,
    requester: &'a Requester,
    begun: Instant<Monotonic>,
    /// What has been measured so far.
    pub(crate) figures: Figures,
}

impl<'a> Transaction<'a> {
    /// A change of `patch` that begins now.
    pub(crate) fn new(
        registry: &'a mut Registry,
        patch: &'a Arc<Patch>,
        exits: &'a Exits,
        requester: &'a Requester,
    ) -> Self {
        Self {
            registry,
            patch,
            exits,
            requester,
            begun: Instant::now(),
            figures: Figures::default(),
        }
    }

    /// Sends calls of the patch's functions to its replacements.
    pub(crate) fn enable(&mut self) -> Result<(), Refusal> {
        let result = self.try_enable();
        self.registry.prune();
        result
    }

    /// Sends calls back to where they would go without the patch.
    pub(crate) fn disable(&mut self) -> Result<(), Refusal> {
        let result = self.try_disable();
        self.registry.prune();
        result
    }

    fn try_enable(&mut self) -> Result<(), Refusal> {
        let pin = self.patch.pin().map_err(|_| {
            Refusal::new(Cause::Cancelled, fmt!("the patch module is being unloaded"))
        })?;
        self.registry.reserve()?;
        let steps = self.arm()?;
        let mut addresses = KVec::with_capacity(steps.len(), GFP_KERNEL)?;
        let mut ranges = KVec::new();
        for step in &steps {
            let site = &self.registry.sites[step.site];
            site.occupied(&mut ranges)?;
            addresses.push(site.function.address, GFP_KERNEL)?;
        }
        self.change(&steps, &mut ranges)?;
        for step in &steps {
            self.registry.sites[step.site].push(self.patch.clone(), step.target);
        }
        self.registry.add(self.patch.clone());
        let mut status = self.patch.status.lock();
        status.pin = Some(pin);
        status.addresses = addresses;
        Ok(())
    }

    fn try_disable(&mut self) -> Result<(), Refusal> {
        let mut ranges = KVec::new();
        // All its text, not only the replacements: also what they may have jumped to at their end.
        ranges.push(self.patch.text, GFP_KERNEL)?;
        let mut steps = KVec::new();
        for (index, site) in self.registry.sites.iter().enumerate() {
            let target = site.target_without(self.patch);
            if target != site.redirect.target() {
                site.occupied(&mut ranges)?;
                steps.push(
                    Step {
                        site: index,
                        target,
                    },
                    GFP_KERNEL,
                )?;
            }
        }
        self.change(&steps, &mut ranges)?;
        for site in &mut self.registry.sites {
            site.remove(self.patch);
        }
        self.registry.remove(self.patch);
        Ok(())
    }

    /// Phases 1 and 2: every function of the patch found and armed.
    fn arm(&mut self) -> Result<KVec<Step>, Refusal> {
        loop {
            if let Some(steps) = self.try_arm()? {
                return Ok(steps);
            }
            // BPF holds the lock of a function's trampoline while it waits for ftrace. The way out
            // is to let go of everything and begin again.
            self.registry.prune();
            self.pause(PAUSE_MS.1)?;
            if self.is_over() {
                return Err(Refusal::new(
                    Cause::Owned,
                    fmt!("BPF kept a function's trampoline locked"),
                ));
            }
        }
    }

    /// `None` when BPF is in the way at the moment.
    fn try_arm(&mut self) -> Result<Option<KVec<Step>>, Refusal> {
        let mut steps: KVec<Step> = KVec::with_capacity(self.patch.functions(), GFP_KERNEL)?;
        for object in self.patch.objects() {
            for wanted in object.functions() {
                let function = Function::resolve(object, wanted)?;
                let index = match self.registry.position(function.address) {
                    Some(index) => index,
                    None => {
                        let site = match Site::new(function) {
                            Ok(site) => site,
                            Err(error) if error == EAGAIN => return Ok(None),
                            Err(error) => return Err(not_armed(error, object, wanted)),
                        };
                        self.registry.sites.push(site, GFP_KERNEL)?;
                        self.registry.sites.len() - 1
                    }
                };
                if steps.iter().any(|step| step.site == index) {
                    return Err(Refusal::new(
                        Cause::Invalid,
                        fmt!("{}:{} is named twice", object.name(), wanted.name()),
                    ));
                }
                self.registry.sites[index].reserve()?;
                let target = wanted.replacement();
                steps.push(
                    Step {
                        site: index,
                        target,
                    },
                    GFP_KERNEL,
                )?;
            }
        }
        Ok(Some(steps))
    }

    /// Phases 3 and 4: tries until nobody is inside the ranges, then flips.
    fn change(&mut self, steps: &[Step], ranges: &mut [Range]) -> Result<(), Refusal> {
        let ranges = Ranges::new(ranges);
        let mut found = Found::new()?;
        for step in steps {
            self.registry.sites[step.site].redirect.stage(step.target);
        }
        let result = self.try_until_deadline(ranges, &mut found);
        // After a flip the new targets, otherwise the old ones.
        for step in steps {
            self.registry.sites[step.site].redirect.settle();
        }
        result
    }

    fn try_until_deadline(&mut self, ranges: Ranges<'_>, found: &mut Found) -> Result<(), Refusal> {
        let mut pause = PAUSE_MS.0;
        loop {
            scan::survey(self.exits, ranges, found);
            self.figures.scanned = found.looked_at;
            let mut vetoed = false;
            if found.is_clean() {
                match self.stop(ranges, found)? {
                    End::Flipped => return Ok(()),
                    End::Blocked => {}
                    End::Vetoed => vetoed = true,
                }
            }
            if found.only().is_some_and(|pid| self.requester.is(pid)) {
                // It waits for us inside a function of the patch, so it has to go first. What comes
                // of the change then stands in `transition` and `last_error`.
                self.requester.answer(Ok(()));
            }
            if self.is_over() {
                return Err(if vetoed {
                    Refusal::new(Cause::Nmi, fmt!("NMI handlers kept using a function"))
                } else {
                    blocked(found)
                });
            }
            self.pause(pause)?;
            pause = (pause * 2).min(PAUSE_MS.1);
        }
    }

    /// Phase 4: holds all CPUs, verifies, and flips when nobody is inside.
    fn stop(&mut self, ranges: Ranges<'_>, found: &mut Found) -> Result<End, Refusal> {
        let exits = self.exits;
        exits.complete();
        found.clear();
        let window = Window::open();
        let stopped = stop::stop_machine(|stopped: &Stopped<'_>| {
            if !scan::verify(stopped, exits, ranges, found) {
                End::Blocked
            } else if window.flip(stopped) {
                End::Flipped
            } else {
                End::Vetoed
            }
        });
        drop(window);
        let (end, held) = stopped
            .map_err(|_| Refusal::new(Cause::NoMemory, fmt!("the machine could not be stopped")))?;
        self.figures.attempts += 1;
        self.figures.stop_ns = held;
        self.figures.verified = found.looked_at;
        Ok(end)
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= Delta::from_millis(self.patch.deadline_ms.into())
    }

    /// Sleeps between two tries, or learns that nobody wants the change any more.
    fn pause(&self, milliseconds: u32) -> Result<(), Refusal> {
        if !self.requester.pause(milliseconds) {
            return Err(Refusal::new(
                Cause::Cancelled,
                fmt!("the process that asked for it was killed"),
            ));
        }
        Ok(())
    }
}

/// Why ftrace did not arm a function.
fn not_armed(error: Error, object: &api::Object, wanted: &api::Function) -> Refusal {
    let (place, name) = (object.name(), wanted.name());
    match error {
        error if error == EBUSY => Refusal::new(
            Cause::Owned,
            fmt!(
                "{}:{} is redirected by livepatch, a kprobe or a direct call, or kernel.ftrace_enabled is 0",
                place,
                name
            ),
        ),
        error if error == ENOMEM => Refusal::new(Cause::NoMemory, fmt!("{}:{}", place, name)),
        error => Refusal::new(
            Cause::NotTraceable,
            fmt!("{}:{}: ftrace refused with {:?}", place, name, error),
        ),
    }
}

/// What the last look at the tasks says.
fn blocked(found: &Found) -> Refusal {
    if found.is_clean() {
        Refusal::new(
            Cause::Busy,
            fmt!("more tasks were exiting at once than can be followed"),
        )
    } else if found.inside == 0 {
        Refusal::blocked(
            Cause::Unreliable,
            fmt!("{} stacks cannot be walked to their end", found.unreliable),
            found.told(),
        )
    } else {
        Refusal::blocked(
            Cause::Busy,
            fmt!("{} tasks are inside", found.inside),
            found.told(),
        )
    }
}
