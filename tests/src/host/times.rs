// SPDX-License-Identifier: GPL-2.0
//! How long the tests of each area took.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long all tests may take in CI once the first machine stands. They take 16 minutes on two
/// processors; half as much again is room for a slower machine, and not for a suite that grows
/// without anybody noticing. CI has 75 minutes for all its parts (`.ci/run`).
pub const LIMIT: Duration = Duration::from_secs(25 * 60);

/// The number of tests and their time, by area.
#[derive(Clone, Default)]
pub struct Times {
    areas: Arc<Mutex<BTreeMap<String, (usize, Duration)>>>,
}

impl Times {
    /// Runs a test of that name (`area::case`), and adds its time.
    pub fn measure<T>(&self, name: &str, test: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = test();
        self.add(name, began.elapsed());
        result
    }

    fn add(&self, name: &str, time: Duration) {
        let area = name.split("::").next().unwrap_or_default();
        let mut areas = self.areas.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, sum) = areas.entry(area.to_owned()).or_default();
        *count += 1;
        *sum += time;
    }

    /// A table, the longest first. Tests run side by side, so it adds up to more than went by.
    pub fn table(&self) -> String {
        let areas = self.areas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut areas: Vec<_> = areas.iter().collect();
        areas.sort_by_key(|(area, (_, time))| (std::cmp::Reverse(*time), *area));
        let mut table = String::from("seconds  tests  area\n");
        for (area, (count, time)) in areas {
            let seconds = time.as_secs_f32();
            writeln!(table, "{seconds:7.1}  {count:5}  {area}").expect("a string has room");
        }
        table
    }
}

/// Why a run of the tests counts as too long, if it does.
pub fn too_long(ran: Duration, in_ci: bool) -> Option<String> {
    (in_ci && ran > LIMIT).then(|| {
        format!(
            "the tests took {} s; more than {} s fails in CI",
            ran.as_secs(),
            LIMIT.as_secs()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_comes_first() {
        let times = Times::default();
        times.add("busy::one", Duration::from_millis(1500));
        times.add("atomic::one", Duration::from_secs(20));
        times.add("busy::other", Duration::from_secs(1));
        assert_eq!(times.measure("late::one", || 5), 5);
        assert_eq!(
            times.table(),
            "seconds  tests  area\n   20.0      1  atomic\n    2.5      2  busy\n    0.0      1  late\n"
        );
    }

    #[test]
    fn only_ci_has_a_limit() {
        let long = LIMIT + Duration::from_secs(25 * 60);
        assert!(too_long(long, true).is_some());
        assert!(too_long(long, false).is_none());
        assert!(too_long(LIMIT, true).is_none());
    }
}
