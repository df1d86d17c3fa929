// SPDX-License-Identifier: GPL-2.0

//! The task that asked for a change and waits for the answer.

use crate::edge::kernel::completion::Completion;
use kernel::{
    current,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// A task in `insmod` or in a write to `enabled`.
#[pin_data]
pub(crate) struct Requester {
    pid: i32,
    #[pin]
    killed: Completion,
    #[pin]
    answered: Completion,
    /// Set before `answered` is completed.
    #[pin]
    answer: Mutex<Option<Result>>,
}

impl Requester {
    /// The calling task.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            pid: current!().pid(),
            killed <- Completion::new(),
            answered <- Completion::new(),
            answer <- new_mutex!(None),
        })
    }

    /// Waits for the answer; for the requester itself. Being killed takes the request back, and the
    /// worker then answers soon.
    pub(crate) fn wait(&self) -> Result {
        if !self.answered.wait_killable() {
            self.killed.complete();
            self.answered.wait();
        }
        let answer = self.answer.lock().take();
        answer.unwrap_or(Err(EIO))
    }

    /// Answers, and lets the requester go. Only the first answer counts.
    pub(crate) fn answer(&self, answer: Result) {
        let mut first = self.answer.lock();
        if !self.is_answered() {
            *first = Some(answer);
            self.answered.complete();
        }
    }

    /// Whether it has been let go.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered.is_done()
    }

    /// Whether it has been killed, and does not want the change any more.
    pub(crate) fn is_killed(&self) -> bool {
        self.killed.is_done()
    }

    /// Sleeps for `milliseconds`. False, at once, when the requester has been killed.
    pub(crate) fn pause(&self, milliseconds: u32) -> bool {
        !self.killed.wait_for(milliseconds)
    }

    /// Whether it is the task with this process id.
    pub(crate) fn is(&self, pid: i32) -> bool {
        self.pid == pid
    }
}
