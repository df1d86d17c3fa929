// SPDX-License-Identifier: GPL-2.0
//! What molt wants to reach beside the others.

use super::claim::Claim;
use super::figures::Figures;
use crate::bench::plan::{Load, Place};
use crate::bench::sample::figure;

/// The number of functions that windows are compared at.
const FUNCTIONS: u32 = 10;

/// Each aim, with what was measured; `beside` with two processors, where load matters more.
pub fn claims(figures: &Figures, beside: Option<&Figures>) -> Vec<Claim> {
    let mut claims = Vec::new();
    windows(figures, &mut claims);
    if let Some(beside) = beside {
        busy_windows(beside, &mut claims);
    }
    calls(figures, &mut claims);
    changes(figures, &mut claims);
    follow(figures, &mut claims);
    claims
}

fn at(threads: u32, load: Load) -> Place {
    Place {
        threads,
        functions: FUNCTIONS,
        load,
    }
}

fn windows(figures: &Figures, claims: &mut Vec<Claim>) {
    for (threads, bound) in [(10_000, 1_000.0), (30_000, 3_000.0)] {
        claims.push(Claim::at_least(
            format!("window at {threads} threads, idle: shorter than the full walk by"),
            figures.ratio(figure::WALK, figure::WINDOW, at(threads, Load::Idle)),
            bound,
        ));
    }
    claims.push(Claim::at_most(
        "window, idle: at 30,000 threads by that at 100",
        growth(figures, at(30_000, Load::Idle), at(100, Load::Idle)),
        1.5,
    ));
    let places = figures.places();
    claims.push(Claim::at_most(
        "window: with 100 functions by that with one, at worst",
        places
            .iter()
            .filter(|place| place.functions == 1)
            .filter_map(|&one| {
                let hundred = Place {
                    functions: 100,
                    ..one
                };
                growth(figures, hundred, one)
            })
            .reduce(f64::max),
        1.25,
    ));
}

fn busy_windows(figures: &Figures, claims: &mut Vec<Claim>) {
    for (threads, bound) in [(100, 2.0), (10_000, 50.0)] {
        claims.push(Claim::at_least(
            format!(
                "window at {threads} threads, ping-pong, 2 CPUs: shorter than the full walk by"
            ),
            figures.ratio(figure::WALK, figure::WINDOW, at(threads, Load::PingPong)),
            bound,
        ));
    }
    // All together: where only two ran, they would bear alone what every window costs.
    let (mut windows, mut ran) = (0, 0);
    for place in figures.places() {
        if place.load == Load::PingPong {
            windows += figures.sum(figure::WINDOW, place).unwrap_or_default();
            ran += figures.sum(figure::VERIFIED, place).unwrap_or_default();
        }
    }
    claims.push(Claim::at_most(
        "window, ping-pong, 2 CPUs: instructions for each task that ran, all windows together",
        (ran != 0).then(|| windows as f64 / ran as f64),
        3_500.0,
    ));
}

/// molt's window at one place by that at another.
pub fn growth(figures: &Figures, place: Place, other: Place) -> Option<f64> {
    Some(figures.number(figure::WINDOW, place)? / figures.number(figure::WINDOW, other)?)
}

fn calls(figures: &Figures, claims: &mut Vec<Claim>) {
    for (mode, words, bound) in [
        ("molt_ftrace", "by default", 46.0),
        ("molt_direct", "directly", 4.0),
    ] {
        claims.push(Claim::at_most(
            format!("call redirected {words}: instructions added, at worst"),
            added(figures, mode),
            bound,
        ));
        let calls = figures.calls(mode);
        let least = calls.values().copied().reduce(f64::min);
        let most = calls.values().copied().reduce(f64::max);
        claims.push(Claim::at_most(
            format!("call redirected {words}: added for more functions"),
            most.zip(least).map(|(most, least)| most - least),
            0.0,
        ));
    }
}

/// Instructions that a mode adds to a plain call, at worst.
pub fn added(figures: &Figures, mode: &str) -> Option<f64> {
    let plain = *figures.calls("plain").get(&0)?;
    let calls = figures.calls(mode);
    Some(calls.values().copied().reduce(f64::max)? - plain)
}

/// From the last task to the end of its transition.
fn follow(figures: &Figures, claims: &mut Vec<Claim>) {
    let idle: Vec<_> = figures
        .places()
        .into_iter()
        .filter(|place| place.load == Load::Idle)
        .collect();
    // Between two looks, and what it adds to look at the file every millisecond.
    claims.push(Claim::at_most(
        "per task, idle, from the last task to the end: milliseconds, at worst",
        figures
            .most(figure::PER_TASK_FOLLOW, &idle)
            .map(|ns| ns as f64 / 1e6),
        50.0,
    ));
    claims.push(Claim::at_least(
        "per task, idle, from the last task to the end: faster than livepatch by, at worst",
        idle.iter()
            .filter_map(|&place| {
                figures.ratio(figure::LIVEPATCH_FOLLOW, figure::PER_TASK_FOLLOW, place)
            })
            .reduce(f64::min),
        1.0,
    ));
    claims.push(Claim::at_most(
        "call redirected by default, after a transition: instructions added, at worst",
        added(figures, "molt_after_transition"),
        46.0,
    ));
}

fn changes(figures: &Figures, claims: &mut Vec<Claim>) {
    for (words, ours, theirs) in [
        (
            "per task, insmod to the last task",
            figure::PER_TASK_APPLY,
            figure::LIVEPATCH_APPLY,
        ),
        (
            "per task, taken back from the last task",
            figure::PER_TASK_UNDO,
            figure::LIVEPATCH_UNDO,
        ),
    ] {
        let places = figures.places().into_iter();
        claims.push(Claim::at_least(
            format!("{words}, anywhere: faster than livepatch by, at worst"),
            places
                .filter_map(|place| figures.ratio(theirs, ours, place))
                .reduce(f64::min),
            1.0,
        ));
    }
    for (words, ours, theirs, bound) in [
        (
            "insmod to patched",
            figure::APPLY,
            figure::LIVEPATCH_APPLY,
            20.0,
        ),
        ("taken back", figure::UNDO, figure::LIVEPATCH_UNDO, 50.0),
    ] {
        let faster = |wanted: &dyn Fn(&Place) -> bool| {
            figures
                .places()
                .into_iter()
                .filter(wanted)
                .filter_map(|place| figures.ratio(theirs, ours, place))
                .reduce(f64::min)
        };
        claims.push(Claim::at_least(
            format!("{words}, 100 functions: faster than livepatch by, at worst"),
            faster(&|place| place.functions == 100),
            bound,
        ));
        claims.push(Claim::at_least(
            format!("{words}, anywhere: faster than livepatch by, at worst"),
            faster(&|_| true),
            1.0,
        ));
    }
}
