// SPDX-License-Identifier: GPL-2.0

//! The house of `src/`: a file uses only files of its own room and of rooms below it, no files use
//! each other in a circle, and each room has a page that says what it is. The order of the rooms is
//! [`ORDER`].

#[path = "rooms/arrows.rs"]
mod arrows;
#[path = "rooms/finder.rs"]
mod finder;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use arrows::{Arrow, Crate};

/// The rooms from the top, by the beginning of their files' names; the longest that fits counts.
/// A file may use its own room, and all that come after it.
///
/// Within `edge`, the folder of the instruction set is at the bottom, but for the walk over a
/// stack, which stands on tasks and BPF; and its files that are pure are below everything else.
const ORDER: &[&[&str]] = &[
    &["molt.rs"],
    &["loader.rs"],
    &["control/"],
    &["change/"],
    &["registry/"],
    &["patch/"],
    &["error.rs"],
    &["api/"],
    &["stacks/"],
    &["edge/mod.rs"],
    &["edge/mechanism/"],
    &["edge/klp/"],
    &["edge/arch/x86_64/stack.rs"],
    &["edge/kernel/"],
    &["edge/arch/"],
    &["edge/bindings.rs"],
    &[
        "edge/arch/x86_64/call.rs",
        "edge/arch/x86_64/names.rs",
        "edge/arch/x86_64/syscall.rs",
    ],
    &["pure/"],
];

/// Arrows that are allowed all the same, by the files that they lead from and to. One that is not
/// needed any more fails the test, so that the list gets shorter and not longer.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// How many rooms there may be at the top of `src/`: as many as one can keep in mind.
const ROOMS: usize = 8;

/// What the page of a room, the `//!` of its `mod.rs`, says in bold: what belongs in it, which
/// rooms it may use, and which thread runs it.
const PAGE: [&str; 3] = ["**Belongs here**", "**May use**", "**Runs**"];

fn src() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("it is in the checkout").join("src")
}

fn core() -> Crate {
    Crate::read("molt.rs", &|name| fs::read_to_string(src().join(name)).ok())
}

/// The floor and the name of the room that a file is in.
fn room<'a>(order: &[&[&'a str]], file: &str) -> Option<(usize, &'a str)> {
    let fits = order.iter().enumerate().flat_map(|(floor, names)| {
        let names = names.iter().filter(|name| file.starts_with(**name));
        names.map(move |name| (name.len(), floor, *name))
    });
    fits.max().map(|(_, floor, name)| (floor, name))
}

/// Which file uses which other, and what of it.
type Uses = BTreeMap<(String, String), BTreeSet<String>>;

fn words(uses: &Uses, from: &str, to: &str) -> String {
    let items = &uses[&(from.to_owned(), to.to_owned())];
    let items: Vec<_> = items.iter().map(|item| format!("`{item}`")).collect();
    format!("{from} uses {} of {to}", items.join(", "))
}

/// The shortest way along `arrows` from one file to another.
fn way(arrows: &BTreeSet<(&str, &str)>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().expect("a way has a file");
            if last == to {
                return Some(way);
            }
            for (_, next) in arrows.iter().filter(|(from, _)| from == last) {
                if seen.insert(next.to_string()) {
                    longer.push(way.iter().cloned().chain([next.to_string()]).collect());
                }
            }
        }
        ways = longer;
    }
    None
}

/// What is wrong with a crate's arrows: those that run up, those that close a circle, and
/// exceptions that nothing needs.
fn wrong_arrows(
    order: &[&[&str]],
    arrows: BTreeSet<Arrow>,
    exceptions: &[(&str, &str)],
) -> Vec<String> {
    let mut uses = Uses::new();
    for Arrow { from, to, item } in arrows {
        uses.entry((from, to)).or_default().insert(item);
    }
    let mut wrong = Vec::new();
    let mut unused: BTreeSet<_> = exceptions.iter().copied().collect();
    let mut excepted = Vec::new();
    // Those of which no two lead round.
    let mut kept = BTreeSet::new();
    for (from, to) in uses.keys().map(|(from, to)| (from.as_str(), to.as_str())) {
        let up = match (room(order, from), room(order, to)) {
            (Some((own, here)), Some((floor, there))) => (own > floor).then_some((here, there)),
            // What is in no room is another test's.
            _ => None,
        };
        if exceptions.contains(&(from, to)) {
            match up {
                Some(_) => drop(unused.remove(&(from, to))),
                None => excepted.push((from, to)),
            }
        } else if let Some((here, there)) = up {
            let words = words(&uses, from, to);
            wrong.push(format!("{words}, but {there} is above {here}"));
        } else if let Some(way) = way(&kept, to, from) {
            let mut round = vec![words(&uses, from, to)];
            round.extend(way.windows(2).map(|two| words(&uses, &two[0], &two[1])));
            wrong.push(format!("a circle: {}", round.join("; ")));
        } else {
            kept.insert((from, to));
        }
    }
    for (from, to) in excepted {
        if way(&kept, to, from).is_some() {
            unused.remove(&(from, to));
        }
    }
    let unused = unused.iter();
    wrong.extend(unused.map(|(from, to)| format!("the exception {from} -> {to} is not needed")));
    wrong
}

fn expect_none(wrong: Vec<String>) {
    assert!(
        wrong.is_empty(),
        "\n{}\n(see tests/suites/rooms.rs)",
        wrong.join("\n")
    );
}

#[test]
fn no_arrow_runs_up_and_none_in_a_circle() {
    expect_none(wrong_arrows(ORDER, core().arrows(), EXCEPTIONS));
}

#[test]
fn each_file_is_in_a_room() {
    let declared = core().files;
    let mut wrong = Vec::new();
    let mut files = BTreeSet::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(src()).expect("below src");
            let name = name.to_str().expect("a name").to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("_generated.rs") {
                files.insert(name);
            }
        }
    }
    for name in &files {
        if !declared.contains_key(name) {
            wrong.push(format!("no `mod` declares {name}"));
        }
        if room(ORDER, name).is_none() {
            wrong.push(format!("{name} is in no room of the list"));
        }
    }
    expect_none(wrong);
}

/// What the room in `folder` lacks of its page.
fn lacking(folder: &Path) -> Vec<String> {
    let Ok(page) = fs::read_to_string(folder.join("mod.rs")) else {
        return vec!["mod.rs".to_owned()];
    };
    let page: String = page.lines().filter(|l| l.starts_with("//!")).collect();
    let lacking = PAGE.iter().filter(|heading| !page.contains(**heading));
    lacking.map(|heading| heading.to_string()).collect()
}

#[test]
fn each_room_has_a_page() {
    let mut wrong = Vec::new();
    let mut rooms = 0;
    for entry in fs::read_dir(src()).expect("src") {
        let path = entry.expect("an entry").path();
        if !path.is_dir() {
            continue;
        }
        rooms += 1;
        for heading in lacking(&path) {
            wrong.push(format!("{} lacks {heading}", path.display()));
        }
    }
    if rooms > ROOMS {
        wrong.push(format!(
            "{rooms} rooms at the top of src/, {ROOMS} are allowed"
        ));
    }
    expect_none(wrong);
}
