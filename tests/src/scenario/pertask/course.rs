// SPDX-License-Identifier: GPL-2.0
//! What each of several threads sees of changes: during one the old version, then the new one, and
//! the old one never again; between two of them one version only.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::Arc;

use anyhow::{ensure, Result};

/// See the module's documentation.
#[derive(Clone)]
pub struct Course(Arc<State>);

struct State {
    /// What is going on. 0: nothing is known.
    now: AtomicU64,
    /// During which change each thread has met the new version last.
    arrived: Vec<AtomicU64>,
    /// Calls during changes: of the old version, of the new one.
    met: [AtomicU64; 2],
}

/// A number for what is going on, above those before: in its last bits whether it is a change, and
/// where it leads.
const STEP: u64 = 4;
const CHANGES: u64 = 2;
const ON: u64 = 1;

impl Course {
    /// For so many threads.
    pub fn new(threads: usize) -> Self {
        Self(Arc::new(State {
            now: AtomicU64::new(0),
            arrived: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            met: Default::default(),
        }))
    }

    /// A change is about to begin.
    pub fn begins(&self, on: bool) {
        let number = self.0.now.load(SeqCst) / STEP + 1;
        let now = number * STEP + CHANGES + u64::from(on) * ON;
        self.0.now.store(now, SeqCst);
    }

    /// It is complete.
    pub fn ends(&self) {
        self.0.now.fetch_and(!CHANGES, SeqCst);
    }

    /// The thread with this number makes a call, which says whether it met the version that is on.
    pub fn follow(&self, thread: usize, call: impl FnOnce() -> Result<bool>) -> Result<()> {
        let State { now, arrived, met } = &*self.0;
        let before = now.load(SeqCst);
        let on = call()?;
        if before == 0 || before != now.load(SeqCst) {
            return Ok(());
        }
        let is_new = on == (before & ON != 0);
        if before & CHANGES == 0 {
            ensure!(is_new, "the change is complete, and a call went elsewhere");
            return Ok(());
        }
        met[usize::from(is_new)].fetch_add(1, SeqCst);
        if is_new {
            arrived[thread].store(before, SeqCst);
        } else {
            ensure!(
                arrived[thread].load(SeqCst) != before,
                "a thread has met the new version, and the old one after that"
            );
        }
        Ok(())
    }

    /// Both versions must have been met during changes.
    pub fn expect_both(&self) -> Result<()> {
        ensure!(
            self.0.met.iter().all(|met| met.load(SeqCst) > 0),
            "during changes, {self}"
        );
        Ok(())
    }
}

impl fmt::Display for Course {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [old, new] = &self.0.met;
        let (old, new) = (old.load(SeqCst), new.load(SeqCst));
        write!(out, "{old} calls met the old version, {new} the new one")
    }
}
