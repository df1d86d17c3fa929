// SPDX-License-Identifier: GPL-2.0

//! The core and its worker: changes are made one after the other, never on the requester's stack.

use crate::{
    control::{CoreDir, PatchDir},
    edge::{modules::ModuleRef, notifier::Notifier, queue::OrderedQueue, tracepoint::Probe},
    error::{Cause, Refusal},
    exits::Exits,
    object::Phase,
    patch::{Figures, Patch, State},
    registry::Registry,
    requester::Requester,
    scan, state,
    transaction::Transaction,
};
use kernel::{
    impl_has_work, new_mutex, new_work,
    prelude::*,
    str::CStr,
    sync::{
        atomic::{Atomic, Relaxed},
        lock::{mutex::MutexBackend, Guard},
        Arc, Mutex,
    },
    workqueue::{Work, WorkItem},
};

/// What can be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Enable,
    Disable,
}

/// What the worker needs, and what the core's own files in sysfs show.
#[pin_data]
pub(crate) struct Shared {
    pub(crate) exits: Arc<Exits>,
    #[pin]
    pub(crate) registry: Mutex<Registry>,
    /// How many modules that come or go wait for the registry.
    visitors: Atomic<i32>,
    /// Every patch module that is loaded, enabled or not.
    #[pin]
    pub(crate) loaded: Mutex<KVec<PatchDir>>,
    /// The last refusal of any patch, kept here because a patch that failed to load takes its own
    /// directory with it.
    #[pin]
    pub(crate) refused: Mutex<Option<Refusal>>,
}

impl Shared {
    /// The registry, for a module that comes or goes: a change that is blocked gives way.
    pub(crate) fn visit(&self) -> Guard<'_, Registry, MutexBackend> {
        self.visitors.add(1, Relaxed);
        let registry = self.registry.lock();
        self.visitors.add(-1, Relaxed);
        registry
    }

    /// Whether a module that comes or goes waits for the registry. It sleeps until the registry is
    /// let go, so nothing is ordered by this.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.visitors.load(Relaxed) > 0
    }
}

/// The core, loaded.
#[pin_data]
pub(crate) struct Core {
    pub(crate) dir: CoreDir,
    queue: OrderedQueue,
    shared: Arc<Shared>,
    _probe: Probe<Exits>,
    _notifier: Notifier<Shared>,
}

impl Core {
    /// Process context.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let (exits, probe) = Exits::listen()?;
        exits.complete();
        let shared = Arc::pin_init(
            pin_init!(Shared {
                exits,
                registry <- new_mutex!(Registry::new()),
                visitors: Atomic::new(0),
                loaded <- new_mutex!(KVec::new()),
                refused <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )?;
        Arc::pin_init(
            try_pin_init!(Self {
                dir: CoreDir::new(shared.clone())?,
                queue: OrderedQueue::new(c"molt")?,
                _notifier: Notifier::new(shared.clone())?,
                shared,
                _probe: probe,
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
        if let Some(twice) = state::named_twice(patch.states().iter().map(|state| state.known())) {
            pr_err!("{}: state {:#x} is named twice\n", patch.name(), twice);
            return Err(EINVAL);
        }
        let dir = PatchDir::new(self, patch.clone())?;
        self.shared.loaded.lock().push(dir, GFP_KERNEL)?;
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
        if let Some(dir) = self.forget(name) {
            scan::wait_until_left(dir.patch(), &self.shared.exits);
            dir.patch().clear_states();
        }
    }

    /// Takes the patch `name` out of those that are loaded. What is returned is not to be dropped
    /// under a lock: that waits for readers and writers, who may be waiting for a change.
    fn forget(&self, name: &CStr) -> Option<PatchDir> {
        let mut loaded = self.shared.loaded.lock();
        let index = loaded.iter().position(|dir| dir.patch().name() == name)?;
        loaded.remove(index).ok()
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
        let request = Request::new(self.shared.clone(), patch.clone(), change, loads)?;
        // A new request is on no queue, so this cannot fail.
        let _ = self.queue.get().enqueue(request.clone());
        request.requester.wait()
    }
}

/// A change that somebody waits for.
#[pin_data]
struct Request {
    shared: Arc<Shared>,
    patch: Arc<Patch>,
    change: Change,
    /// Who asks is the load of the patch's module.
    loads: bool,
    /// Keeps the patch module, of which the worker reads name and declaration, until the answer is
    /// given: the requester may have been let go before.
    #[pin]
    pin: Mutex<Option<ModuleRef>>,
    #[pin]
    requester: Requester,
    #[pin]
    work: Work<Request>,
}

impl_has_work! {
    impl HasWork<Self> for Request { self.work }
}

impl Request {
    fn new(
        shared: Arc<Shared>,
        patch: Arc<Patch>,
        change: Change,
        loads: bool,
    ) -> Result<Arc<Self>> {
        let pin = Some(patch.pin()?);
        Arc::pin_init(
            pin_init!(Self {
                shared,
                patch,
                change,
                loads,
                pin <- new_mutex!(pin),
                requester <- Requester::new(),
                work <- new_work!("molt::Request"),
            }),
            GFP_KERNEL,
        )
    }

    /// Makes the change and publishes how it went: phase 5.
    fn serve(&self) -> Result {
        let (during, after) = match self.change {
            Change::Enable => (State::Enabling, State::Enabled),
            Change::Disable => (State::Disabling, State::Disabled),
        };
        if !self.requester.pause(0) {
            return Err(EINTR);
        }
        let before = {
            let mut status = self.patch.status.lock();
            match (self.change, status.state) {
                // The module goes if its load is refused, whatever others have asked for.
                (_, State::Loading) if !self.loads => return Err(EBUSY),
                (_, state) if state == after => return Ok(()),
                (Change::Disable, State::Superseded) => return Ok(()),
                (Change::Enable, State::Superseded) => {
                    drop(status);
                    return Err(self.refuse(Refusal::new(
                        Cause::Superseded,
                        fmt!("a patch that replaces all others was enabled after it"),
                    )));
                }
                _ => core::mem::replace(&mut status.state, during),
            }
        };
        let mut transaction = Transaction::new(&self.shared, &self.patch, &self.requester);
        let result = transaction.run(self.change);
        let figures = transaction.figures;
        let pin = {
            let mut status = self.patch.status.lock();
            status.state = match (&result, before) {
                (Ok(()), _) => after,
                // Its module has been loaded before the change was refused.
                (Err(_), State::Loading) if self.requester.is_answered() => State::Disabled,
                (Err(_), before) => before,
            };
            status.conclude(figures, result.as_ref().err());
            match status.state {
                State::Disabled => status.pin.take(),
                _ => None,
            }
        };
        drop(pin);
        match result {
            Ok(()) => {
                self.tell(figures);
                Ok(())
            }
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }

    /// Tells why there is no change, and keeps it. Returns the errno for the requester.
    fn refuse(&self, refusal: Refusal) -> Error {
        pr_warn!(
            "{}: cannot {}: {}{}\n",
            self.patch.name(),
            match self.change {
                Change::Enable => "enable",
                Change::Disable => "disable",
            },
            refusal,
            refusal.blockers.few()
        );
        self.patch.status.lock().refuse(&refusal);
        let errno = refusal.errno();
        *self.shared.refused.lock() = Some(refusal);
        errno
    }

    /// One line in the log, and a warning for each object that is not there.
    fn tell(&self, figures: Figures) {
        let name = self.patch.name();
        let done = match self.change {
            Change::Enable => "enabled",
            Change::Disable => "disabled",
        };
        pr_info!(
            "{}: {}, {} functions, CPUs held for {} ns, attempt {}\n",
            name,
            done,
            self.patch.functions(),
            figures.stop_ns,
            figures.attempts
        );
        if self.change == Change::Enable {
            for (index, object) in self.patch.objects().iter().enumerate() {
                if self.patch.phase(index) == Phase::Absent {
                    pr_warn!(
                        "{}: no module {} is loaded; it will be patched when one of that name comes\n",
                        name,
                        object.name()
                    );
                }
            }
        }
    }
}

impl WorkItem for Request {
    type Pointer = Arc<Self>;

    fn run(request: Arc<Self>) {
        let result = request.serve();
        // From here on the patch module may go. Before the answer, so that who was told that the
        // patch is disabled can unload it.
        drop(request.pin.lock().take());
        request.requester.answer(result);
    }
}
