// SPDX-License-Identifier: GPL-2.0
//! What a short run must show. Only ratios of one run, and with a margin: a failure means
//! that something is wrong, not that the host was busy.

use super::claim::Claim;
use super::figures::Figures;
use super::reach::{added, growth};
use crate::bench::plan::Place;
use crate::bench::sample::figure;

/// Each condition, with what was measured.
pub fn claims(figures: &Figures) -> Vec<Claim> {
    let places = figures.places();
    let most_threads = places.iter().map(|place| place.threads).max();
    let largest = |place: &&Place| Some(place.threads) == most_threads;
    let worst = |ours: &str, theirs: &str, wanted: &dyn Fn(&&Place) -> bool| {
        places
            .iter()
            .filter(wanted)
            .filter_map(|&place| figures.ratio(theirs, ours, place))
            .reduce(f64::min)
    };
    let livepatch = added(figures, "livepatch");
    let by_livepatch = |mode| Some(livepatch? / added(figures, mode)?);
    vec![
        Claim::at_least(
            "window with many threads: shorter than the full walk by",
            worst(figure::WINDOW, figure::WALK, &largest),
            20.0,
        ),
        Claim::at_most(
            "window with many threads by that with few",
            places
                .iter()
                .filter(largest)
                .filter_map(|&most| {
                    let few = places
                        .iter()
                        .find(|place| place.functions == most.functions)?;
                    growth(figures, most, *few)
                })
                .reduce(f64::max),
            2.0,
        ),
        Claim::at_least(
            "call redirected by default: adds less than livepatch by",
            by_livepatch("molt_ftrace"),
            1.5,
        ),
        Claim::at_least(
            "call redirected directly: adds less than livepatch by",
            by_livepatch("molt_direct"),
            10.0,
        ),
        Claim::at_least(
            "insmod to patched, 10 functions: faster than livepatch by",
            worst(figure::APPLY, figure::LIVEPATCH_APPLY, &|place| {
                place.functions == 10
            }),
            2.0,
        ),
        Claim::at_least(
            "taken back, 10 functions: faster than livepatch by",
            worst(figure::UNDO, figure::LIVEPATCH_UNDO, &|place| {
                place.functions == 10
            }),
            5.0,
        ),
    ]
}
