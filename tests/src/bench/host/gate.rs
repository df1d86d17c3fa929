// SPDX-License-Identifier: GPL-2.0
//! What a short run must show. Ratios of one run, and one time that nothing of livepatch's compares
//! with, all with a margin and in instructions: a failure means that something is wrong, not that
//! the host was busy.

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
    let ten = |place: &&Place| place.functions == 10;
    vec![
        Claim::at_least(
            "window with many threads: shorter than the full walk by",
            worst(figure::WINDOW, figure::WALK, &largest),
            1000.0,
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
            worst(figure::APPLY, figure::LIVEPATCH_APPLY, &ten),
            2.0,
        ),
        Claim::at_least(
            "taken back, 10 functions: faster than livepatch by",
            worst(figure::UNDO, figure::LIVEPATCH_UNDO, &ten),
            5.0,
        ),
        Claim::at_least(
            "per task, insmod to the last task, 10 functions: faster than livepatch by",
            worst(figure::PER_TASK_APPLY, figure::LIVEPATCH_APPLY, &ten),
            2.0,
        ),
        Claim::at_least(
            "per task, taken back from the last task, 10 functions: faster than livepatch by",
            worst(figure::PER_TASK_UNDO, figure::LIVEPATCH_UNDO, &ten),
            5.0,
        ),
        Claim::at_most(
            "per task, from the last task to the end: milliseconds, at worst",
            figures
                .most(
                    figure::PER_TASK_FOLLOW,
                    &places.iter().copied().collect::<Vec<_>>(),
                )
                .map(|ns| ns as f64 / 1e6),
            100.0,
        ),
        Claim::at_most(
            "call during a transition: adds by what livepatch adds then",
            added(figures, "molt_transition")
                .zip(added(figures, "livepatch_transition"))
                .map(|(ours, theirs)| ours / theirs),
            1.5,
        ),
        Claim::at_least(
            "call redirected by default, after a transition: adds less than livepatch by",
            by_livepatch("molt_after_transition"),
            1.5,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which all is well, apart from what `change` makes of a figure.
    fn judged(change: impl Fn(&str, u32) -> Option<u64>) -> Vec<Option<bool>> {
        let mut notes = Vec::new();
        let mut note = |name: &str, threads: u32, functions: u32, value: u64| {
            let value = change(name, threads).unwrap_or(value);
            notes.push(format!("sample {name} {threads} {functions} idle {value}"));
        };
        for threads in [100, 2_000] {
            for functions in [1, 10] {
                note(
                    figure::WALK,
                    threads,
                    functions,
                    40_000 * u64::from(threads),
                );
                note(figure::WINDOW, threads, functions, 17_000);
                note(figure::APPLY, threads, functions, 10);
                note(figure::LIVEPATCH_APPLY, threads, functions, 100);
                note(figure::UNDO, threads, functions, 10);
                note(figure::LIVEPATCH_UNDO, threads, functions, 1_000);
                note(figure::PER_TASK_APPLY, threads, functions, 10);
                note(figure::PER_TASK_UNDO, threads, functions, 10);
            }
            note(figure::PER_TASK_FOLLOW, threads, 10, 50_000_000);
        }
        note("call_plain", 0, 0, 900_000);
        for (mode, value) in [
            ("call_molt_ftrace", 5_000_000),
            ("call_molt_direct", 1_300_000),
            ("call_livepatch", 9_500_000),
            ("call_molt_transition", 11_400_000),
            ("call_livepatch_transition", 10_000_000),
            ("call_molt_after_transition", 5_000_000),
        ] {
            note(mode, 0, 1, value);
        }
        let figures = Figures::gather(&notes, 1).unwrap();
        claims(&figures).iter().map(Claim::holds).collect()
    }

    fn wrong(verdicts: &[Option<bool>]) -> Vec<usize> {
        let verdicts = verdicts.iter().enumerate();
        verdicts
            .filter(|(_, holds)| **holds != Some(true))
            .map(|(number, _)| number)
            .collect()
    }

    #[test]
    fn passes_when_all_is_well() {
        assert!(wrong(&judged(|_, _| None)).is_empty());
    }

    #[test]
    fn each_claim_can_fail() {
        for (figure, threads, value, expected) in [
            (figure::WALK, 2_000, 300_000, vec![0]),
            (figure::WINDOW, 2_000, 40_000, vec![1]),
            ("call_molt_ftrace", 0, 9_000_000, vec![2]),
            ("call_molt_direct", 0, 2_000_000, vec![3]),
            (figure::APPLY, 2_000, 60, vec![4]),
            (figure::UNDO, 100, 300, vec![5]),
            (figure::PER_TASK_APPLY, 2_000, 60, vec![6]),
            (figure::PER_TASK_UNDO, 100, 300, vec![7]),
            (figure::PER_TASK_FOLLOW, 100, 200_000_000, vec![8]),
            ("call_molt_transition", 0, 20_000_000, vec![9]),
            ("call_molt_after_transition", 0, 9_000_000, vec![10]),
        ] {
            let verdicts = judged(|name, at| (name == figure && at == threads).then_some(value));
            assert_eq!(wrong(&verdicts), expected, "{figure}");
        }
    }
}
