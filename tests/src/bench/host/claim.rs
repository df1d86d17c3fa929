// SPDX-License-Identifier: GPL-2.0
//! A sentence about the figures that is true or not.

use std::fmt::{self, Display, Formatter};

/// What a number has to be.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// A sentence, and the number that decides.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What the number is.
    pub words: String,
    /// `None` if it was not measured.
    pub value: Option<f64>,
    /// What it has to be.
    pub bound: Bound,
}

impl Claim {
    /// The number must be this or more.
    pub fn at_least(words: impl Into<String>, value: Option<f64>, bound: f64) -> Self {
        Self {
            words: words.into(),
            value,
            bound: Bound::AtLeast(bound),
        }
    }

    /// The number must be this or less.
    pub fn at_most(words: impl Into<String>, value: Option<f64>, bound: f64) -> Self {
        Self {
            words: words.into(),
            value,
            bound: Bound::AtMost(bound),
        }
    }

    /// The least and the most that the number may be.
    pub fn limits(&self) -> (Option<f64>, Option<f64>) {
        match self.bound {
            Bound::AtLeast(bound) => (Some(bound), None),
            Bound::AtMost(bound) => (None, Some(bound)),
        }
    }

    /// Whether it is true; `None` if it was not measured.
    pub fn holds(&self) -> Option<bool> {
        self.value.map(|value| match self.bound {
            Bound::AtLeast(bound) => value >= bound,
            Bound::AtMost(bound) => value <= bound,
        })
    }
}

impl Display for Claim {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = match self.holds() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "not measured",
        };
        let value = self
            .value
            .map_or_else(|| "–".to_owned(), |value| short(value, 3));
        let bound = match self.bound {
            Bound::AtLeast(bound) => format!("≥ {}", short(bound, 2)),
            Bound::AtMost(bound) => format!("≤ {}", short(bound, 2)),
        };
        write!(f, "| {} | {value} | {bound} | {verdict} |", self.words)
    }
}

/// A number with so many decimals, without those that are 0.
pub fn short(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_or_not() {
        assert_eq!(Claim::at_least("", Some(20.0), 20.0).holds(), Some(true));
        assert_eq!(Claim::at_least("", Some(19.9), 20.0).holds(), Some(false));
        assert_eq!(Claim::at_most("", Some(1.5), 1.5).holds(), Some(true));
        assert_eq!(Claim::at_most("", Some(1.6), 1.5).holds(), Some(false));
        assert_eq!(Claim::at_most("", None, 1.5).holds(), None);
    }

    #[test]
    fn is_shown_short() {
        assert_eq!(short(2.0, 2), "2");
        assert_eq!(short(1200.0, 0), "1200");
        assert_eq!(short(2.504, 2), "2.5");
    }
}
