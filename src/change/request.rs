// SPDX-License-Identifier: GPL-2.0

//! A change that somebody asked for, carried out by the worker.

use crate::{
    change::{
        requester::Requester,
        transaction::{
            Outcome,
            Transaction, //
        }, //
    },
    edge::{
        kernel::{
            modules::ModuleRef,
            queue::WorkQueue, //
        },
        mechanism::recorder::Recording, //
    },
    error::Refusal,
    patch::{
        change::Change,
        status::{
            Phase,
            Progress, //
        },
        Patch, //
    },
    registry::shared::Shared, //
};
use kernel::{
    impl_has_work,
    new_mutex,
    new_work,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

/// A change that somebody waits for.
#[pin_data]
pub(crate) struct Request {
    shared: Arc<Shared>,
    /// Where transitions are waited for.
    transitions: Arc<WorkQueue>,
    patch: Arc<Patch>,
    change: Change,
    /// The requester is the load of the patch's module.
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
    /// Asked for by the calling task. `loads`: by the load of the patch's module.
    pub(crate) fn new(
        shared: Arc<Shared>,
        transitions: Arc<WorkQueue>,
        patch: Arc<Patch>,
        change: Change,
        loads: bool,
    ) -> Result<Arc<Self>> {
        let pin = Some(patch.pin()?);
        Arc::pin_init(
            pin_init!(Self {
                shared,
                transitions,
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

    /// Waits for the answer; for the requester, after the request was queued.
    pub(crate) fn wait(&self) -> Result {
        self.requester.wait()
    }

    /// Makes the change and publishes how it went: phase 5. Also says how many functions it
    /// concerned. What it leaves in `recording` is to be ended.
    ///
    /// The patch module is kept by `pin` until the state is published: a task that reads there, or
    /// is answered, that the patch is off can unload it.
    fn serve(
        &self,
        recording: &mut Option<Recording>,
        pin: Option<ModuleRef>,
    ) -> Result<(Outcome, usize)> {
        let (during, after) = (self.change.during(), self.change.after());
        if self.requester.is_killed() {
            return Err(EINTR);
        }
        let before = {
            let mut status = self.patch.status.lock();
            match (self.change, status.progress) {
                // The module goes if its load is refused, whatever others have asked for.
                (_, Progress::Loading) if !self.loads => return Err(EBUSY),
                (_, state) if state == after => return Ok((Outcome::Nothing, 0)),
                // A transition is on its way there: nothing else lasts from one request to the
                // next.
                (_, state) if state == during => return Ok((Outcome::Nothing, 0)),
                (Change::Disable, Progress::Superseded) => return Ok((Outcome::Nothing, 0)),
                (Change::Enable, Progress::Superseded) => {
                    drop(status);
                    return Err(self.refuse(Refusal::superseded()));
                }
                // Until it has had its turn, nobody can have taken its place.
                (_, Progress::Loading) => Progress::Loading,
                _ => core::mem::replace(&mut status.progress, during),
            }
        };
        let functions = self.patch.functions();
        let mut transaction =
            Transaction::new(&self.shared, &self.patch, &self.requester, recording);
        let result = transaction.run(self.change);
        let figures = transaction.attempt.figures;
        // With what it holds: a task that finds the change over can unload patches that are off.
        drop(transaction);
        if result.is_ok() {
            self.warn_of_absent();
        }
        // With the patch there are more than without.
        let functions = functions.max(self.patch.functions());
        drop(pin);
        {
            // Not while a transition that was to be turned round, and is complete, calls what comes
            // after it.
            let _registry = result.is_err().then(|| self.shared.registry.lock());
            let mut status = self.patch.status.lock();
            let state = match (&result, before) {
                // Meanwhile; that is for good.
                _ if status.progress == Progress::Superseded => status.progress,
                (Ok(Outcome::Nothing | Outcome::Done), _) => after,
                // Unless it was complete before this.
                (Ok(Outcome::Begun(follower)), _) if follower.transition().is_over() => {
                    status.progress
                }
                (Ok(Outcome::Begun(_)), _) => during,
                // What was to be reversed goes on, or is complete by now.
                (Err(_), Progress::Enabling | Progress::Disabling)
                    if status.stragglers.is_none() =>
                {
                    self.change.opposite().after()
                }
                // Its module has been loaded before the change was refused.
                (Err(_), Progress::Loading) if self.requester.is_answered() => Progress::Disabled,
                (Err(_), before) => before,
            };
            status.enter(state);
            status.conclude(figures, result.as_ref().err());
        }
        match result {
            Ok(outcome) => Ok((outcome, functions)),
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
        self.shared.refuse(&self.patch, refusal)
    }

    /// A warning for each object that is not there.
    fn warn_of_absent(&self) {
        if self.change == Change::Disable {
            return;
        }
        for (index, object) in self.patch.objects().iter().enumerate() {
            if self.patch.phase(index) == Phase::Absent {
                pr_warn!(
                    "{}: no module {} is loaded; it will be patched when one of that name comes\n",
                    self.patch.name(),
                    object.name()
                );
            }
        }
    }

    /// One line in the log. The patch module may have gone by now.
    fn tell(&self, functions: usize) {
        let done = self.change.done();
        let figures = self.patch.status.lock().figures;
        pr_info!(
            "{}: {}, {} functions, CPUs held for {} ns, attempt {}\n",
            self.patch.name(),
            done,
            functions,
            figures.stop_ns,
            figures.attempts
        );
    }
}

impl WorkItem for Request {
    type Pointer = Arc<Self>;

    fn run(request: Arc<Self>) {
        let mut recording = None;
        let pin = request.pin.lock().take();
        let result = request.serve(&mut recording, pin);
        if let Ok((Outcome::Begun(follower), _)) = &result {
            // One that has begun is on no queue, so this cannot fail.
            let _ = request.transitions.get().enqueue(follower.clone());
        }
        request.requester.answer(match &result {
            Ok(_) => Ok(()),
            Err(errno) => Err(*errno),
        });
        if let Some(recording) = recording {
            request.shared.keep(recording.stop());
        }
        // Nobody waits for the rest: calls go where they should already. Let the requester go on
        // first, because this worker comes before everybody else.
        fsleep(Delta::from_millis(1));
        if let Ok((Outcome::Done, functions)) = result {
            request.tell(functions);
        }
        let reclaim = {
            let mut registry = request.shared.registry.lock();
            registry.after_change();
            registry.take_reclaim()
        };
        if !reclaim.is_empty() {
            // Beside this worker: it waits for all tasks, and the next change need not. Without
            // memory it is dropped here.
            let _ = request
                .transitions
                .get()
                .try_spawn(GFP_KERNEL, move || drop(reclaim));
        }
    }
}
