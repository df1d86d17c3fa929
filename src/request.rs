// SPDX-License-Identifier: GPL-2.0

//! A change that somebody asked for, carried out by the worker.

use crate::{
    edge::{modules::ModuleRef, recorder::Recording},
    error::{Cause, Refusal},
    object::Phase,
    patch::{Patch, State},
    requester::Requester,
    shared::Shared,
    transaction::Transaction,
};
use kernel::{
    impl_has_work, new_mutex, new_work,
    prelude::*,
    sync::{Arc, Mutex},
    time::{delay::fsleep, Delta},
    workqueue::{Work, WorkItem},
};

/// What can be asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Enable,
    Disable,
}

/// A change that somebody waits for.
#[pin_data]
pub(crate) struct Request {
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
    /// Asked for by the calling task. `loads`: by the load of the patch's module.
    pub(crate) fn new(
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

    /// Waits for the answer; for who made the request, after it was queued.
    pub(crate) fn wait(&self) -> Result {
        self.requester.wait()
    }

    /// Makes the change and publishes how it went: phase 5. False when there was nothing to change. What it
    /// leaves in `recording` is to be ended.
    fn serve(&self, recording: &mut Option<Recording>) -> Result<bool> {
        let (during, after) = match self.change {
            Change::Enable => (State::Enabling, State::Enabled),
            Change::Disable => (State::Disabling, State::Disabled),
        };
        if self.requester.is_killed() {
            return Err(EINTR);
        }
        let before = {
            let mut status = self.patch.status.lock();
            match (self.change, status.state) {
                // The module goes if its load is refused, whatever others have asked for.
                (_, State::Loading) if !self.loads => return Err(EBUSY),
                (_, state) if state == after => return Ok(false),
                (Change::Disable, State::Superseded) => return Ok(false),
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
        let mut transaction =
            Transaction::new(&self.shared, &self.patch, &self.requester, recording);
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
                self.warn_of_absent();
                Ok(true)
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
    fn tell(&self) {
        let done = match self.change {
            Change::Enable => "enabled",
            Change::Disable => "disabled",
        };
        let functions = self.patch.functions();
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
        let result = request.serve(&mut recording);
        // From here on the patch module may go. Before the answer, so that who was told that the
        // patch is disabled can unload it.
        drop(request.pin.lock().take());
        request.requester.answer(result.map(|_| ()));
        if let Some(recording) = recording {
            request.shared.keep(recording.stop());
        }
        // Nobody waits for the rest: calls go where they should already. Let who asked go on first,
        // because this worker comes before everybody else.
        fsleep(Delta::from_millis(1));
        if result == Ok(true) {
            request.tell();
        }
        request.shared.registry.lock().tidy();
    }
}
