// SPDX-License-Identifier: GPL-2.0

//! Only in the build for tests (`--cfg molt_check`): in every stop window, every task is looked at
//! after those that ran, and the verdicts are compared.
//!
//! Also lets some windows overflow on purpose, because without that none does.

use crate::{
    edge::{
        arch::stack::{
            self,
            Finding, //
        },
        kernel::{
            stop::Stopped,
            tasks::Task, //
        }, //
    },
    pure::ranges::Ranges,
    stacks::{
        exits::{
            self,
            Exits, //
        },
        judge::Verdict, //
    }, //
};
use core::{
    ops::ControlFlow,
    sync::atomic::{
        AtomicI32,
        AtomicU32,
        AtomicUsize,
        Ordering::Relaxed, //
    }, //
};
use kernel::prelude::*;

/// Every how many windows one pretends that the record has overflowed; 0 is never.
pub(crate) static OVERFLOW_EVERY: AtomicU32 = AtomicU32::new(8);

static WINDOWS: AtomicU32 = AtomicU32::new(0);
static COMPARED: AtomicU32 = AtomicU32::new(0);
static BLOCKED: AtomicU32 = AtomicU32::new(0);
static SPARED: AtomicUsize = AtomicUsize::new(0);

/// How often a verdict was wrong, and the last task that it was wrong about.
static DIFFERENT: AtomicU32 = AtomicU32::new(0);
static MISSED: AtomicI32 = AtomicI32::new(0);

/// Whether the window that begins shall behave as one whose record has overflowed.
pub(crate) fn pretends_overflow() -> bool {
    let every = OVERFLOW_EVERY.load(Relaxed);
    let number = WINDOWS.fetch_add(1, Relaxed).wrapping_add(1);
    every != 0 && number.checked_rem(every) == Some(0)
}

/// Compares `verdict`, which rests on `looked_at` tasks, with what a look at every task says that
/// `counts`. While all CPUs are held.
pub(crate) fn compare(
    stopped: &Stopped<'_>,
    exits: &Exits,
    ranges: Ranges<'_>,
    looked_at: usize,
    verdict: Verdict,
    counts: impl Fn(Task<'_>) -> bool,
) {
    let (mut all, mut in_the_way) = (0usize, None);
    let mut look = |task: Task<'_>| {
        if !task.on_cpu() && counts(task) {
            all = all.wrapping_add(1);
            if stack::walk(task, ranges) != Finding::Clean {
                in_the_way = Some(task.pid());
            }
        }
        ControlFlow::Continue(())
    };
    let _ = exits::everybody(stopped, exits, &mut look);
    COMPARED.fetch_add(1, Relaxed);
    SPARED.fetch_add(all.saturating_sub(looked_at), Relaxed);
    if in_the_way.is_some() {
        BLOCKED.fetch_add(1, Relaxed);
    }
    let known = verdict != Verdict::Unknown;
    if known && in_the_way.is_some() != (verdict == Verdict::Blocked) {
        DIFFERENT.fetch_add(1, Relaxed);
        MISSED.store(in_the_way.unwrap_or(-1), Relaxed);
    }
}

/// Nobody may be `wrong`. While all CPUs are held.
pub(crate) fn expect_nobody(
    stopped: &Stopped<'_>,
    exits: &Exits,
    wrong: impl Fn(Task<'_>) -> bool,
) {
    let look = |task: Task<'_>| {
        if wrong(task) {
            DIFFERENT.fetch_add(1, Relaxed);
            MISSED.store(task.pid(), Relaxed);
        }
        ControlFlow::Continue(())
    };
    let _ = exits::everybody(stopped, exits, look);
}

/// What has been found so far, outside of the window.
pub(crate) fn report() {
    pr_info!(
        "check: {} windows compared, {} blocked, {} stacks spared\n",
        COMPARED.load(Relaxed),
        BLOCKED.load(Relaxed),
        SPARED.load(Relaxed)
    );
    let different = DIFFERENT.load(Relaxed);
    if different != 0 {
        pr_err!(
            "BUG: a verdict was wrong {} times, at last about pid {}\n",
            different,
            MISSED.load(Relaxed)
        );
    }
}
