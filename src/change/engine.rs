// SPDX-License-Identifier: GPL-2.0

//! What makes changes: the worker, which makes one after the other and never on the requester's
//! stack, and whatever has to be listened to meanwhile.

use crate::{
    api::consistency::Consistency,
    change::{
        bpf::BpfListener,
        per_task::follow,
        request::Request,
        unload, //
    },
    edge::kernel::{
        bpf::BpfProbe,
        hotplug::Hotplug,
        modules::Notifier,
        queue::WorkQueue,
        tracepoint::ExitProbe, //
    },
    patch::{
        change::Change,
        redirection::Redirection,
        Patch, //
    },
    pure::word::Word,
    registry::shared::Shared,
    stacks::exits::Exits, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::Arc, //
};

/// The worker and its listeners.
#[pin_data]
pub(crate) struct Engine {
    // In this order they are dropped: first nothing new is asked for, then the queues run empty.
    _bpf: Option<BpfProbe<BpfListener>>,
    /// One change at a time.
    changes: Arc<WorkQueue>,
    /// Transitions that are followed, and what is left over from them; all at the same time.
    transitions: Arc<WorkQueue>,
    shared: Arc<Shared>,
    _exits: ExitProbe<Exits>,
    _hotplug: Hotplug,
    _notifier: Notifier<Shared>,
}

impl Engine {
    /// `budget_us` and `poke_ms` as in [`Shared`]. Process context.
    pub(crate) fn new(budget_us: u32, poke_ms: u32) -> Result<Arc<Self>> {
        let (exits, probe) = Exits::listen()?;
        exits.complete();
        let shared = Shared::new(exits, budget_us, poke_ms)?;
        let changes = Arc::new(WorkQueue::ordered(c"molt")?, GFP_KERNEL)?;
        let transitions = Arc::new(WorkQueue::concurrent(c"molt_transition")?, GFP_KERNEL)?;
        let listener = BpfListener::new(shared.clone(), changes.clone())?;
        // Without BPF trampolines nobody ever wants a function in that way.
        let bpf = BpfProbe::new(listener).ok();
        Arc::pin_init(
            try_pin_init!(Self {
                _bpf: bpf,
                changes,
                transitions,
                _notifier: Notifier::new(shared.clone())?,
                shared,
                _exits: probe,
                _hotplug: Hotplug::new()?,
            }),
            GFP_KERNEL,
        )
    }

    /// What changes have in common with the core's own files.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Makes `patch` one of those that are loaded. Process context.
    pub(crate) fn add(&self, patch: &Arc<Patch>) -> Result {
        Ok(self.shared.loaded.lock().push(patch.clone(), GFP_KERNEL)?)
    }

    /// The patch with this name that is loaded.
    pub(crate) fn find(&self, name: &CStr) -> Option<Arc<Patch>> {
        let loaded = self.shared.loaded.lock();
        loaded.iter().find(|patch| patch.name() == name).cloned()
    }

    /// Takes the patch `name` out of those that are loaded. With the registry, whose holder may be
    /// unbinding its symbols of a module that goes. Process context.
    pub(crate) fn forget(&self, name: &CStr) {
        let _registry = self.shared.visit();
        let mut loaded = self.shared.loaded.lock();
        loaded.retain(|patch| patch.name() != name);
    }

    /// Disarms the functions that no patch is on any more. Process context.
    pub(crate) fn disarm_unused(&self) {
        self.shared.visit().prune();
    }

    /// Waits until no task but the caller is in the code of a disabled `patch`. Process context.
    pub(crate) fn wait_until_unused(&self, patch: &Patch) {
        unload::wait_until_unused(patch, &self.shared);
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
        follow::force(&self.shared, patch).map_err(|refusal| self.shared.refuse(patch, refusal))
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

    /// Enables `patch` as [`Engine::request`] does, for the load of its module.
    pub(crate) fn enable_at_load(&self, patch: &Arc<Patch>) -> Result {
        self.ask(patch, Change::Enable, true)
    }

    fn ask(&self, patch: &Arc<Patch>, change: Change, loads: bool) -> Result {
        let request = Request::new(
            self.shared.clone(),
            self.transitions.clone(),
            patch.clone(),
            change,
            loads,
        )?;
        // A new request is on no queue, so this cannot fail.
        let _ = self.changes.get().enqueue(request.clone());
        request.wait()
    }
}
