// SPDX-License-Identifier: GPL-2.0

//! `docs/design/` stays short, and the tests that its arguments name exist.

use std::fs;

use molt_tests::host::kernel;
use molt_tests::scenario;

/// Words of one page, and of all pages together but the questions. Names of tests are none.
const PAGE: usize = 1500;
const ALL: usize = 8000;

/// Names of tests that run on the host are functions of these files.
const ON_THE_HOST: [&str; 4] = [
    "suites/pure.rs",
    "suites/pure/flips.rs",
    "suites/pure/members.rs",
    "suites/binary.rs",
];

fn pages() -> Vec<(String, String)> {
    let folder = kernel::checkout().join("docs/design");
    let mut pages: Vec<_> = fs::read_dir(&folder)
        .expect("docs/design")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            let text = fs::read_to_string(&path).expect("a page");
            (name.into_owned(), text)
        })
        .collect();
    pages.sort();
    assert!(!pages.is_empty());
    pages
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `area::case`, or `area::*`.
fn is_test(name: &str) -> bool {
    let letters = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    name.split_once("::")
        .is_some_and(|(area, case)| letters(area) && (case == "*" || letters(case)))
}

fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| !is_test(word.trim_matches(['`', ',', '.', ';'])))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .count()
}

#[test]
fn pages_are_short() {
    let mut all = 0;
    for (name, text) in pages() {
        let words = words(&text);
        assert!(words <= PAGE, "{name} has {words} words");
        if name != "questions.md" {
            all += words;
        }
    }
    assert!(all <= ALL, "the pages have {all} words");
}

#[test]
fn every_test_exists() {
    let host: String = ON_THE_HOST
        .iter()
        .map(|file| {
            let path = kernel::checkout().join("tests").join(file);
            fs::read_to_string(path).expect(file)
        })
        .collect();
    let mut count = 0;
    for (page, text) in pages() {
        for name in quoted(&text).filter(|name| is_test(name)) {
            let (area, case) = name.split_once("::").expect("checked above");
            let known = match case {
                "*" => {
                    scenario::all().any(|one| one.name().starts_with(&format!("{area}::")))
                        || host.contains(&format!("mod {area}"))
                }
                _ => scenario::find(name).is_some() || host.contains(&format!("fn {case}()")),
            };
            assert!(known, "{page}: there is no test {name}");
            count += 1;
        }
    }
    assert!(count > 100, "only {count} tests are named");
}
