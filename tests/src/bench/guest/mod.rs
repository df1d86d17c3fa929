// SPDX-License-Identifier: GPL-2.0
//! Measures, in the guest.

pub mod call;
pub mod clock;
pub mod crowd;
pub mod follow;
pub mod functions;
pub mod livepatch;
pub mod memory;
pub mod molt;
pub mod pingpong;
pub mod planted;
pub mod redirect;
pub mod walk;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use self::crowd::Crowd;
use self::pingpong::PingPong;
use super::plan::{Load, Place, Plan};
use super::sample::Sample;
use crate::guest::{module, Guest};

/// What measurements are noted with.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    guest: &'a Guest,
    plan: &'a Plan,
    /// What the machine does beside.
    load: Option<&'a PingPong>,
}

impl Bench<'_> {
    /// Notes a number.
    fn sample(&self, figure: impl Into<String>, place: Place, value: u64) {
        let figure = figure.into();
        let sample = Sample {
            figure,
            place,
            value,
        };
        self.guest.note(sample.to_string());
    }

    /// Carries out what follows a measurement and is none, such as to remove a module, and lets
    /// its aftermath pass. The load pauses: what waits for grace periods here would take the
    /// host minutes under it.
    fn calmly(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        if let Some(load) = self.load {
            load.pause()?;
        }
        work()?;
        thread::sleep(Duration::from_millis(200));
        if let Some(load) = self.load {
            load.resume()?;
        }
        Ok(())
    }

    /// Notes an observation.
    fn note(&self, words: impl AsRef<str>) {
        self.guest.note(words);
    }
}

/// Where nothing else sleeps or runs.
const ALONE: Place = Place {
    threads: 0,
    functions: 0,
    load: Load::Idle,
};

/// Measures all that the plan says.
pub fn run(guest: &Guest, plan: &Plan) -> Result<()> {
    let bench = Bench {
        guest,
        plan,
        load: None,
    };
    module::load_all(&["molt", "bench_target", "bench_walk"])?;
    clock::check(&bench).context("clock")?;
    if !plan.only_windows {
        memory::measure(&bench).context("memory")?;
        call::measure(&bench).context("call")?;
        planted::check(&bench).context("planted")?;
    }
    crowd::raise_limits()?;
    let mut crowd = Crowd::default();
    for &threads in plan.threads {
        crowd.grow(threads).context("threads")?;
        for &load in plan.loads {
            let under = match load {
                Load::Idle => None,
                Load::PingPong => Some(PingPong::start().context("ping-pong")?),
            };
            let loaded = Bench {
                load: under.as_ref(),
                ..bench
            };
            for &functions in plan.functions {
                let place = Place {
                    threads,
                    functions,
                    load,
                };
                loaded.note(format!(
                    "{threads} threads, {functions} functions, {load}, {} tasks",
                    crowd::tasks()?
                ));
                for round in 1..=plan.rounds {
                    measure(&loaded, place, round)
                        .with_context(|| format!("{place:?}, round {round}"))?;
                }
            }
            if let Some(under) = under {
                let switches = under.stop()?;
                bench.note(format!("ping-pong: {switches} context switches"));
            }
        }
    }
    Ok(())
}

/// One round: all contenders, one after the other.
fn measure(bench: &Bench<'_>, place: Place, round: u32) -> Result<()> {
    walk::measure(bench, place).context("walk")?;
    molt::measure(bench, place).context("molt")?;
    if !bench.plan.only_windows {
        molt::measure_per_task(bench, place).context("molt, per task")?;
    }
    if bench.plan.has_livepatch(place) {
        livepatch::measure(bench, place).context("livepatch")?;
    }
    if place.functions == follow::FUNCTIONS && !bench.plan.only_windows {
        follow::measure(bench, place, round).context("the last task")?;
    }
    Ok(())
}

/// Nanoseconds since then.
fn since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
