// SPDX-License-Identifier: GPL-2.0

//! The core: the patches that are loaded, and the worker that makes their changes one after the
//! other, never on the requester's stack.

use crate::api::consistency::Consistency;
use crate::change::bpf::Doorman;
use crate::patch::change::Change;
use crate::change::request::Request;
use crate::change::unload;
use crate::control::core::CoreDir;
use crate::control::patch::PatchDir;
use crate::edge::kernel::bpf::Watch;
use crate::edge::kernel::hotplug;
use crate::edge::kernel::modules;
use crate::edge::kernel::notifier::Notifier;
use crate::edge::kernel::queue::WorkQueue;
use crate::edge::kernel::tracepoint::Probe;
use crate::error::Cause;
use crate::error::Refusal;
use crate::patch::redirection::Redirection;
use crate::patch::Patch;
use crate::pure::versions;
use crate::registry::shared::Shared;
use crate::stacks::exits::Exits;
use kernel::prelude::*;
use kernel::str::CStr;
use kernel::sync::Arc;
use kernel::time::delay::fsleep;
use kernel::time::Delta;

/// The core, loaded.
#[pin_data]
pub(crate) struct Core {
    pub(crate) dir: CoreDir,
    _watch: Option<Watch<Doorman>>,
    queue: Arc<WorkQueue>,
    transitions: Arc<WorkQueue>,
    shared: Arc<Shared>,
    _probe: Probe<Exits>,
    _hotplug: hotplug::Watch,
    _notifier: Notifier<Shared>,
}

impl Core {
    /// `budget_us` and `poke_ms` as in [`Shared`]. Process context.
    pub(crate) fn new(budget_us: u32, poke_ms: u32) -> Result<Arc<Self>> {
        let (exits, probe) = Exits::listen()?;
        exits.complete();
        let shared = Shared::new(exits, budget_us, poke_ms)?;
        let queue = Arc::new(WorkQueue::ordered(c"molt")?, GFP_KERNEL)?;
        let transitions = Arc::new(WorkQueue::concurrent(c"molt_transition")?, GFP_KERNEL)?;
        let doorman = Doorman::new(shared.clone(), queue.clone())?;
        // Without BPF trampolines nobody ever wants a function in that way.
        let watch = Watch::new(doorman).ok();
        Arc::pin_init(
            try_pin_init!(Self {
                dir: CoreDir::new(shared.clone())?,
                _watch: watch,
                queue,
                transitions,
                _notifier: Notifier::new(shared.clone())?,
                shared,
                _probe: probe,
                _hotplug: hotplug::Watch::new()?,
            }),
            GFP_KERNEL,
        )
    }

    /// Makes `patch` known and enables it. Process context.
    pub(crate) fn load(self: &Arc<Self>, patch: Arc<Patch>) -> Result {
        if let Some(twice) = patch.named_twice() {
            pr_err!("{}: {} is named twice\n", patch.name(), twice);
            return Err(EINVAL);
        }
        if let Some(twice) = versions::named_twice(patch.states().iter().map(|state| state.known()))
        {
            pr_err!("{}: state {:#x} is named twice\n", patch.name(), twice);
            return Err(EINVAL);
        }
        let dir = PatchDir::new(self, patch.clone())?;
        // Not in one step: a directory that finds no room must not be dropped under the lock.
        let mut loaded = self.shared.loaded.lock();
        if loaded.reserve(1, GFP_KERNEL).is_err() {
            drop(loaded);
            return Err(ENOMEM);
        }
        let pushed = loaded.push_within_capacity(dir);
        debug_assert!(pushed.is_ok());
        drop(loaded);
        let result = self.ask(&patch, Change::Enable, true);
        if result.is_err() {
            // Nobody was ever sent into its code, nor will be: it stays in `State::Loading`.
            drop(self.forget(patch.name()));
            patch.clear_states();
        }
        result
    }

    /// Forgets the disabled patch `name`, whose module is about to go. Process context; waits until
    /// no task is in its code, and no reader or writer in its directory.
    pub(crate) fn unload(&self, name: &CStr) {
        self.refuse_force(name);
        // Its functions may still be armed, if it was disabled just now. Before it is forgotten: as
        // long as it is known, a module of these functions does not go without us.
        self.shared.visit().prune();
        if let Some(dir) = self.forget(name) {
            unload::wait_until_left(dir.patch(), &self.shared);
            dir.patch().clear_states();
        }
    }

    /// `rmmod -f` asks nobody whether a module is in use. Calls go to the code of this one, or will
    /// soon, or tasks may be anywhere in it: then it stays where it is.
    fn refuse_force(&self, name: &CStr) {
        let find = || {
            let loaded = self.shared.loaded.lock();
            let dir = loaded.iter().find(|dir| dir.patch().name() == name)?;
            Some(dir.patch().clone())
        };
        let Some(patch) = find() else {
            return;
        };
        while patch.is_changing() && !patch.is_in_use() {
            fsleep(Delta::from_millis(1));
        }
        if patch.is_in_use() || patch.is_forced() {
            pr_err!(
                "{}: is in use and cannot go, so its rmmod never ends\n",
                name
            );
            modules::stay();
        }
    }

    /// Takes the patch `name` out of those that are loaded. With the registry, whose holder may be
    /// unbinding its symbols of a module that goes. What is returned is not to be dropped under a
    /// lock: that waits for readers and writers, who may be waiting for a change.
    fn forget(&self, name: &CStr) -> Option<PatchDir> {
        let _registry = self.shared.visit();
        let mut loaded = self.shared.loaded.lock();
        let index = loaded.iter().position(|dir| dir.patch().name() == name)?;
        loaded.remove(index).ok()
    }

    /// Chooses how calls of `patch` are redirected while nothing changes. Process context; sleeps.
    pub(crate) fn choose(&self, patch: &Arc<Patch>, redirection: Redirection) -> Result {
        let chosen = self.shared.visit().choose(patch, redirection);
        chosen.map_err(|refusal| {
            pr_warn!(
                "{}: cannot redirect by {}: {}\n",
                patch.name(),
                redirection.name(),
                refusal
            );
            self.shared.refuse(patch, refusal)
        })
    }

    /// Has the transition of `patch` completed, wherever tasks are. Process context.
    pub(crate) fn force(&self, patch: &Arc<Patch>) -> Result {
        let forced = match patch.transition() {
            Some(transition) => transition.force(),
            None => Err(Refusal::new(Cause::Invalid, fmt!("no task is left behind"))),
        };
        forced.map_err(|refusal| self.shared.refuse(patch, refusal))
    }

    /// Has those woken whom the transition of `patch` has left behind. Process context.
    pub(crate) fn poke(&self, patch: &Arc<Patch>) {
        if let Some(transition) = patch.transition() {
            transition.poke();
        }
    }

    /// How changes of a patch deal with tasks that are inside, unless its author says it.
    pub(crate) fn consistency(&self) -> Consistency {
        *self.shared.consistency.lock()
    }

    /// Has the worker make `change`, and waits for the result. A patch that is where it should be
    /// already stays so. Process context.
    ///
    /// Being killed takes the request back. When the caller is inside a function of the patch and
    /// nobody else is, it returns before the change is made, which must wait for it to leave.
    pub(crate) fn request(&self, patch: &Arc<Patch>, change: Change) -> Result {
        self.ask(patch, change, false)
    }

    /// The same. `loads`: for the load of the patch's module.
    fn ask(&self, patch: &Arc<Patch>, change: Change, loads: bool) -> Result {
        let request = Request::new(
            self.shared.clone(),
            self.transitions.clone(),
            patch.clone(),
            change,
            loads,
        )?;
        // A new request is on no queue, so this cannot fail.
        let _ = self.queue.get().enqueue(request.clone());
        request.wait()
    }
}
