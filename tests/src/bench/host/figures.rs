// SPDX-License-Identifier: GPL-2.0
//! All that was measured, by what and where.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{ensure, Result};

use crate::bench::plan::{Load, Place};
use crate::bench::sample::{figure, Sample};

/// Calls of one run of the loop.
const CALLS: f64 = 100_000.0;

/// Every value of every figure, in the order of the rounds.
#[derive(Debug, Default)]
pub struct Figures(BTreeMap<(String, Place), Vec<u64>>);

impl Figures {
    /// Gathers samples, of which there must be `rounds` at least of each figure.
    pub fn gather(notes: &[String], rounds: u32) -> Result<Self> {
        let mut figures = Self::default();
        for sample in notes.iter().filter_map(|note| Sample::read(note)) {
            let key = (sample.figure, sample.place);
            figures.0.entry(key).or_default().push(sample.value);
        }
        ensure!(!figures.0.is_empty(), "nothing was measured");
        for ((figure, place), values) in &figures.0 {
            // One change of the way is made for each number of functions.
            let single = [figure::TO_DIRECT, figure::TO_FTRACE].contains(&figure.as_str());
            ensure!(
                single || values.len() >= rounds as usize,
                "{figure} was measured {} times only at {place:?}",
                values.len()
            );
        }
        Ok(figures)
    }

    /// Each figure, and its values.
    pub fn all(&self) -> impl Iterator<Item = (&str, Place, &[u64])> {
        self.0
            .iter()
            .map(|((figure, place), values)| (figure.as_str(), *place, values.as_slice()))
    }

    /// The median; `None` if it was not measured there.
    pub fn median(&self, figure: &str, place: Place) -> Option<u64> {
        let mut values = self.0.get(&(figure.to_owned(), place))?.clone();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    }

    /// The most of all rounds at these places.
    pub fn most(&self, figure: &str, places: &[Place]) -> Option<u64> {
        let values = places
            .iter()
            .filter_map(|place| self.0.get(&(figure.to_owned(), *place)));
        values.flatten().max().copied()
    }

    /// All rounds together.
    pub fn sum(&self, figure: &str, place: Place) -> Option<u64> {
        Some(self.0.get(&(figure.to_owned(), place))?.iter().sum())
    }

    /// The median to calculate with.
    pub fn number(&self, figure: &str, place: Place) -> Option<f64> {
        self.median(figure, place).map(|value| value as f64)
    }

    /// `figure` by `other`.
    pub fn ratio(&self, figure: &str, other: &str, place: Place) -> Option<f64> {
        Some(self.number(figure, place)? / self.number(other, place)?)
    }

    /// Where windows were measured, in order.
    pub fn places(&self) -> BTreeSet<Place> {
        self.0
            .keys()
            .filter(|(figure, _)| figure == figure::WALK)
            .map(|(_, place)| *place)
            .collect()
    }

    /// Instructions of one call, loop included, in a mode: for each number of patched
    /// functions.
    pub fn calls(&self, mode: &str) -> BTreeMap<u32, f64> {
        self.alone(&format!("{}{mode}", figure::CALL))
            .into_iter()
            .map(|(functions, value)| (functions, (value / CALLS * 100.0).round() / 100.0))
            .collect()
    }

    /// KiB of memory of something, for each number of patched functions.
    pub fn memory(&self, what: &str) -> BTreeMap<u32, f64> {
        self.alone(&format!("{}{what}", figure::MEMORY))
            .into_iter()
            .map(|(functions, bytes)| (functions, bytes / 1024.0))
            .collect()
    }

    /// Medians of what was measured where nothing else was.
    fn alone(&self, name: &str) -> BTreeMap<u32, f64> {
        self.0
            .keys()
            .filter(|(figure, place)| {
                figure == name && place.threads == 0 && place.load == Load::Idle
            })
            .filter_map(|(figure, place)| Some((place.functions, self.number(figure, *place)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        threads: 100,
        functions: 1,
        load: Load::Idle,
    };

    fn notes(values: &[u64]) -> Vec<String> {
        values
            .iter()
            .map(|value| format!("sample walk 100 1 idle {value}"))
            .collect()
    }

    #[test]
    fn takes_the_median() {
        let figures = Figures::gather(&notes(&[9, 1, 5, 100, 2]), 5).unwrap();
        assert_eq!(figures.median(figure::WALK, PLACE), Some(5));
        assert_eq!(figures.median(figure::WINDOW, PLACE), None);
        assert_eq!(figures.places().into_iter().collect::<Vec<_>>(), [PLACE]);
    }

    #[test]
    fn wants_all_rounds() {
        assert!(Figures::gather(&notes(&[1, 2, 3, 4]), 5).is_err());
        assert!(Figures::gather(&["all is well".to_owned()], 5).is_err());
    }
}
