// SPDX-License-Identifier: GPL-2.0
//! `docs/selftests.md` is complete: mainline's cases are all in it, each with tests
//! that exist.

use std::fs;

use molt_tests::host::kernel;
use molt_tests::scenario;

/// The cases of `tools/testing/selftests/livepatch` (`start_test`).
const CASES: usize = 32;

fn document() -> String {
    fs::read_to_string(kernel::checkout().join("docs/selftests.md")).expect("docs/selftests.md")
}

/// The rows of its tables, without headings, cell by cell.
fn rows(document: &str) -> Vec<Vec<&str>> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| row.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|row| !row.iter().all(|cell| cell.starts_with("---")))
        .filter(|row| row.last() != Some(&"tests"))
        .collect()
}

#[test]
fn no_case_is_missing() {
    let document = document();
    let rows = rows(&document);
    let cases = rows.iter().filter(|row| row.len() == 4).count();
    assert_eq!(cases, CASES);
    for row in rows {
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}

#[test]
fn every_test_exists() {
    let document = document();
    for row in rows(&document) {
        let tests = row.last().expect("a row has cells");
        for test in tests.split(", ") {
            let name = test.trim_matches('`');
            assert!(scenario::find(name).is_some(), "there is no test {name:?}");
        }
    }
}
