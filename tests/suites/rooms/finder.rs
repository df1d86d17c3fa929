// SPDX-License-Identifier: GPL-2.0

//! What finds arrows and judges them, on small crates.

use super::*;

/// The crate of these files, `root.rs` first.
fn small(files: &[(&str, &str)]) -> BTreeSet<Arrow> {
    let read = |name: &str| {
        let file = files.iter().find(|(known, _)| *known == name)?;
        Some(file.1.to_owned())
    };
    Crate::read("root.rs", &read).arrows()
}

fn expect(files: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
    let arrows: Vec<_> = small(files)
        .into_iter()
        .map(|arrow| (arrow.from, arrow.to, arrow.item))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(from, to, item)| (from.to_string(), to.to_string(), item.to_string()))
        .collect();
    assert_eq!(arrows, expected);
}

#[test]
fn a_nested_tree() {
    expect(
        &[
            ("root.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::{b::{self, X as Y}, c::{d::{*, Z}}};"),
            ("b.rs", "pub struct X;"),
            ("c/mod.rs", "pub mod d;"),
            ("c/d.rs", "pub struct Z;"),
        ],
        &[
            ("a.rs", "b.rs", "X"),
            ("a.rs", "c/d.rs", "*"),
            ("a.rs", "c/d.rs", "Z"),
        ],
    );
}

#[test]
fn relative_paths() {
    expect(
        &[
            ("root.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod c; mod d { use super::super::b::Z; }"),
            (
                "a/c.rs",
                "use super::super::b::X; fn f() { super::g(); self::h(); h() } fn h() {}",
            ),
            ("b.rs", "pub(in crate::a) struct X; pub struct Z;"),
        ],
        &[
            ("a/c.rs", "a/mod.rs", "g"),
            ("a/c.rs", "b.rs", "X"),
            ("a/mod.rs", "b.rs", "Z"),
        ],
    );
}

/// Files in folders of both styles, and one elsewhere.
#[test]
fn where_files_are() {
    expect(
        &[
            ("root.rs", "mod a; mod d;"),
            ("a.rs", "mod b; #[path = \"d/else.rs\"] mod c;"),
            ("a/b.rs", "use crate::a::c::X;"),
            ("d/else.rs", "pub struct X;"),
            ("d/mod.rs", "use crate::a::b::Y;"),
        ],
        &[("a/b.rs", "d/else.rs", "X"), ("d/mod.rs", "a/b.rs", "Y")],
    );
}

/// Paths that begin with a module that is declared or imported.
#[test]
fn plain_paths() {
    expect(
        &[
            ("root.rs", "mod a; mod b; mod kernel;"),
            (
                "a/mod.rs",
                "mod c; use crate::b; fn f(x: b::d::T) -> c::U { kernel::g(); ::b::h() }",
            ),
            ("a/c.rs", "fn f() { use crate::b::d; d::g() }"),
            ("b/mod.rs", "pub mod d;"),
            ("b/d.rs", ""),
            ("kernel.rs", ""),
        ],
        &[
            ("a/c.rs", "b/d.rs", "g"),
            ("a/mod.rs", "a/c.rs", "U"),
            ("a/mod.rs", "b/d.rs", "T"),
        ],
    );
}

#[test]
fn macros() {
    expect(
        &[
            ("root.rs", "#[macro_use] mod a; mod b; mod c; mod d;"),
            (
                "a.rs",
                "macro_rules! m { () => { $crate::b::inner() } }
                 #[macro_export] macro_rules! out { () => {} }",
            ),
            (
                "b.rs",
                "fn f() { m!(); x!(x: ::a::Q, { y(crate::c::Z::new()) }) }",
            ),
            (
                "c.rs",
                "use crate::d; x! { use crate::{b::X, d::Y}; } x!(d::Z);",
            ),
            ("d.rs", "crate::out!();"),
        ],
        &[
            ("a.rs", "b.rs", "inner"),
            ("b.rs", "a.rs", "m"),
            ("b.rs", "c.rs", "Z"),
            ("c.rs", "b.rs", "X"),
            ("c.rs", "d.rs", "Y"),
            ("c.rs", "d.rs", "Z"),
            ("d.rs", "a.rs", "out"),
        ],
    );
}

/// A name is followed to where it is defined; what hands it on has an arrow of its own.
#[test]
fn re_exports() {
    expect(
        &[
            (
                "root.rs",
                "mod a; mod b; mod c; pub use b::e; pub mod p { pub use crate::c::*; }",
            ),
            (
                "a.rs",
                "use crate::b::{Made, Own, Renamed}; fn f() { crate::e::i(); crate::p::h() }",
            ),
            (
                "b/mod.rs",
                "pub mod e; mod g; pub use crate::c::X as Renamed; pub use g::*; pub struct Own;",
            ),
            (
                "b/e.rs",
                "pub use super::e::round; use kernel::Y; fn y() { super::Own } fn i() {}",
            ),
            ("b/g.rs", "pub struct Made;"),
            ("c.rs", "pub struct X; pub fn h() {}"),
        ],
        &[
            ("a.rs", "b/e.rs", "i"),
            ("a.rs", "b/g.rs", "Made"),
            ("a.rs", "b/mod.rs", "Own"),
            ("a.rs", "c.rs", "X"),
            ("a.rs", "c.rs", "h"),
            ("b/e.rs", "b/mod.rs", "Own"),
            ("b/mod.rs", "b/g.rs", "*"),
            ("b/mod.rs", "c.rs", "X"),
            ("root.rs", "b/e.rs", "the module"),
            ("root.rs", "c.rs", "*"),
        ],
    );
}

/// A folder for each architecture, one module.
#[test]
fn architectures() {
    expect(
        &[
            (
                "root.rs",
                "#[cfg(x)] #[path = \"x/mod.rs\"] mod arch;
                 #[cfg(y)] #[path = \"y/mod.rs\"] mod arch; mod a;",
            ),
            ("x/mod.rs", "mod c;"),
            ("x/c.rs", "pub fn f() {}"),
            ("y/mod.rs", "mod c;"),
            ("y/c.rs", "pub fn f() {}"),
            ("a.rs", "fn g() { crate::arch::c::f() }"),
        ],
        &[("a.rs", "x/c.rs", "f"), ("a.rs", "y/c.rs", "f")],
    );
}

const SMALL: &[&[&str]] = &[&["root.rs"], &["up/"], &["down/"], &["down/deep/"]];

fn judged(files: &[(&str, &str)], exceptions: &[(&str, &str)]) -> Vec<String> {
    wrong_arrows(SMALL, small(files), exceptions)
}

#[test]
fn an_arrow_up_is_found() {
    let files = [
        ("root.rs", "mod up; mod down;"),
        ("up/mod.rs", "pub struct X; use crate::down::deep::Y;"),
        ("down/mod.rs", "pub mod deep;"),
        ("down/deep/mod.rs", "pub struct Y; fn f(x: crate::up::X) {}"),
    ];
    let up = ("down/deep/mod.rs", "up/mod.rs");
    let down = ("up/mod.rs", "down/deep/mod.rs");
    assert_eq!(
        judged(&files, &[]),
        ["down/deep/mod.rs uses `X` of up/mod.rs, but up/ is above down/deep/"]
    );
    assert!(judged(&files, &[up]).is_empty());
    // An arrow that runs down makes no circle with one that is excepted.
    assert_eq!(
        judged(&files, &[up, down]),
        ["the exception up/mod.rs -> down/deep/mod.rs is not needed"]
    );
}

#[test]
fn a_circle_is_found() {
    let files = [
        ("root.rs", "mod up;"),
        ("up/mod.rs", "mod a; mod b; mod c;"),
        ("up/a.rs", "use super::b::{X, x};"),
        ("up/b.rs", "use super::c::Y; struct X; fn x() {}"),
        ("up/c.rs", "use super::a::Z; struct Y;"),
    ];
    assert_eq!(
        judged(&files, &[]),
        [
            "a circle: up/c.rs uses `Z` of up/a.rs; up/a.rs uses `X`, `x` of up/b.rs; \
             up/b.rs uses `Y` of up/c.rs"
        ]
    );
    let (needed, gone) = (("up/b.rs", "up/c.rs"), ("up/b.rs", "up/gone.rs"));
    assert!(judged(&files, &[needed]).is_empty());
    assert_eq!(
        judged(&files, &[needed, gone]),
        ["the exception up/b.rs -> up/gone.rs is not needed"]
    );
}

#[test]
fn rooms_of_files() {
    assert_eq!(room(SMALL, "down/deep/x.rs"), Some((3, "down/deep/")));
    assert_eq!(room(SMALL, "down/x.rs"), Some((2, "down/")));
    assert_eq!(room(SMALL, "downstairs/x.rs"), None);
    let names: Vec<_> = ORDER.iter().flat_map(|names| names.iter()).collect();
    let once: BTreeSet<_> = names.iter().collect();
    assert_eq!(once.len(), names.len());
}
