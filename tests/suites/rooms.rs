// SPDX-License-Identifier: GPL-2.0

//! The house of `src/`: each file uses only files of its own room and of rooms below it, and no
//! files use each other in a circle. The order of the rooms is [`ORDER`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Item, UseTree};

/// Rooms from the top, by the beginning of their files' names; the longest that fits counts. A file
/// may use its own room and those that come after it.
///
/// Within `edge`, the folder of the instruction set is at the bottom, but for the walk over a
/// stack, which stands on tasks and BPF; and the files that are pure are below everything else.
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
    &["edge/mechanism/"],
    &["edge/klp/"],
    &["edge/arch/x86_64/stack.rs"],
    &["edge/kernel/"],
    &["edge/arch/"],
    &["edge/"],
    &[
        "edge/arch/x86_64/call.rs",
        "edge/arch/x86_64/names.rs",
        "edge/arch/x86_64/syscall.rs",
    ],
    &["pure/"],
];

/// How many rooms there may be at the top of `src/`.
const ROOMS: usize = 8;

/// What the page of a room says.
const PAGE: [&str; 3] = ["**Belongs here**", "**May use**", "**Runs**"];

fn src() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("it is in the checkout").join("src")
}

/// A module of the crate: the names that lead to it.
type Module = Vec<String>;

/// One file uses an item of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    item: String,
}

/// The files of a crate by the module that each is.
#[derive(Default)]
struct House {
    files: BTreeMap<Module, (String, syn::File)>,
}

impl House {
    /// The crate whose root is `root` in `folder`, by its `mod` declarations.
    fn of(folder: &Path, root: &str) -> Self {
        let mut house = Self::default();
        house.add(Vec::new(), root, &|name| {
            fs::read_to_string(folder.join(name)).ok()
        });
        house
    }

    fn add(&mut self, module: Module, name: &str, read: &dyn Fn(&str) -> Option<String>) {
        let text = read(name).unwrap_or_else(|| panic!("there is no {name}"));
        let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let folder = match name.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => String::new(),
        };
        for item in &file.items {
            let Item::Mod(declared) = item else { continue };
            if declared.content.is_some() {
                continue;
            }
            let child = declared.ident.to_string();
            // Bindgen's is no file of ours; a file that is not there now is made by the build.
            let candidates = match path_attribute(declared) {
                Some(path) => vec![format!("{folder}{path}")],
                None => vec![
                    format!("{folder}{child}.rs"),
                    format!("{folder}{child}/mod.rs"),
                ],
            };
            let found = candidates.iter().find(|name| read(name).is_some());
            let found = found.unwrap_or_else(|| panic!("{name}: mod {child} has no file"));
            let path = module.iter().cloned().chain([child]).collect();
            self.add(path, found, read);
        }
        self.files.insert(module, (name.to_owned(), file));
    }

    /// All arrows between its files.
    fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (module, (name, file)) in &self.files {
            let mut finder = Finder {
                house: self,
                from: name,
                module: module.clone(),
                arrows: &mut arrows,
            };
            finder.visit_file(file);
        }
        arrows
    }
}

/// What `#[path = "…"]` says.
fn path_attribute(item: &syn::ItemMod) -> Option<String> {
    item.attrs.iter().find_map(|attribute| {
        let pair = attribute.meta.require_name_value().ok()?;
        let syn::Expr::Lit(value) = &pair.value else {
            return None;
        };
        match (&value.lit, pair.path.is_ident("path")) {
            (syn::Lit::Str(text), true) => Some(text.value()),
            _ => None,
        }
    })
}

/// Finds the arrows of one file.
struct Finder<'a> {
    house: &'a House,
    from: &'a str,
    /// The module that is looked at; it may be one within the file.
    module: Module,
    arrows: &'a mut BTreeSet<Arrow>,
}

impl Finder<'_> {
    /// Takes note of a path that begins with `crate`, `self` or `super`.
    fn path(&mut self, path: &[String]) {
        let mut base = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => {
                let mut base = self.module.clone();
                base.pop();
                base
            }
            _ => return,
        };
        let mut rest = &path[1..];
        while let [first, behind @ ..] = rest {
            if first != "super" {
                break;
            }
            base.pop();
            rest = behind;
        }
        base.extend(rest.iter().cloned());
        // The longest beginning that is a module: what is behind it is an item of that file.
        for length in (0..=base.len()).rev() {
            if let Some((to, _)) = self.house.files.get(&base[..length]) {
                if to != self.from {
                    self.arrows.insert(Arrow {
                        from: self.from.to_owned(),
                        to: to.clone(),
                        item: base[length..].join("::"),
                    });
                }
                return;
            }
        }
    }

    fn tree(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(before, tree);
                }
            }
            UseTree::Name(name) if name.ident == "self" => self.path(&before.clone()),
            UseTree::Name(name) => self.leaf(before, name.ident.to_string()),
            UseTree::Rename(rename) => self.leaf(before, rename.ident.to_string()),
            UseTree::Glob(_) => self.leaf(before, "*".to_owned()),
        }
    }

    fn leaf(&mut self, before: &[String], name: String) {
        let path: Vec<_> = before.iter().cloned().chain([name]).collect();
        self.path(&path);
    }

    /// Paths in what a macro is given, which is no syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    let goes_on = colons == 2 && !path.is_empty();
                    if !goes_on {
                        self.path(&path);
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.path(&path);
                    path.clear();
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path(&path);
    }
}

impl Visit<'_> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let names = path.segments.iter().map(|one| one.ident.to_string());
        self.path(&names.collect::<Vec<_>>());
        syn::visit::visit_path(self, path);
    }

    /// `pub(in crate::edge)` says who may see an item; it uses nothing.
    fn visit_visibility(&mut self, _: &syn::Visibility) {}

    fn visit_macro(&mut self, item: &syn::Macro) {
        self.tokens(item.tokens.clone());
        syn::visit::visit_macro(self, item);
    }
}

/// The place of a file in [`ORDER`].
fn floor(file: &str) -> usize {
    let fits = ORDER.iter().enumerate().flat_map(|(floor, names)| {
        let names = names.iter().filter(|name| file.starts_with(**name));
        names.map(move |name| (name.len(), floor))
    });
    let (_, floor) = fits
        .max()
        .unwrap_or_else(|| panic!("{file} is in no room of tests/suites/rooms.rs"));
    floor
}

/// The shortest circle through `start`, as the files that it leads through.
fn circle(arrows: &BTreeSet<Arrow>, start: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way.last().expect("a way has a file");
            for arrow in arrows.iter().filter(|arrow| arrow.from == *last) {
                let mut next = way.clone();
                next.push(arrow.to.clone());
                if arrow.to == start {
                    return Some(next);
                }
                if seen.insert(arrow.to.clone()) {
                    longer.push(next);
                }
            }
        }
        ways = longer;
    }
    None
}

#[test]
fn every_arrow_runs_down() {
    let mut wrong = String::new();
    for Arrow { from, to, item } in House::of(&src(), "molt.rs").arrows() {
        if floor(&from) > floor(&to) {
            writeln!(
                wrong,
                "{from} uses {item} of {to}, which is in a room above it"
            )
            .unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "\n{wrong}Move what is used down, or who uses it up."
    );
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let arrows = House::of(&src(), "molt.rs").arrows();
    let files: BTreeSet<_> = arrows.iter().map(|arrow| &arrow.from).collect();
    let circle = files.iter().find_map(|file| circle(&arrows, file));
    assert!(
        circle.is_none(),
        "these files use each other: {}",
        circle.unwrap_or_default().join(" -> ")
    );
}

#[test]
fn every_file_belongs_to_the_crate() {
    let house = House::of(&src(), "molt.rs");
    let known: BTreeSet<_> = house.files.values().map(|(name, _)| name.clone()).collect();
    let mut found = Vec::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(src()).expect("below src");
            let name = name.to_str().expect("a name").to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("_generated.rs") {
                found.push(name);
            }
        }
    }
    found.retain(|name| !known.contains(name));
    assert!(found.is_empty(), "no `mod` declares {found:?}");
}

#[test]
fn each_room_says_what_it_is() {
    let mut rooms = 0;
    for entry in fs::read_dir(src()).expect("src") {
        let path = entry.expect("an entry").path();
        if !path.is_dir() {
            continue;
        }
        rooms += 1;
        let page = fs::read_to_string(path.join("mod.rs"))
            .unwrap_or_else(|_| panic!("{} has no mod.rs", path.display()));
        let page: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("//!"))
            .collect();
        let page = page.join("\n");
        for heading in PAGE {
            assert!(page.contains(heading), "{}: no {heading}", path.display());
        }
    }
    assert!(rooms <= ROOMS, "{rooms} rooms at the top of src/");
}

/// The finder itself, on small crates.
mod finder {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> Vec<(String, String, String)> {
        let read = |name: &str| {
            let file = files.iter().find(|(known, _)| *known == name)?;
            Some(file.1.to_owned())
        };
        let mut house = House::default();
        house.add(Vec::new(), "root.rs", &read);
        let arrows = house.arrows().into_iter();
        arrows
            .map(|arrow| (arrow.from, arrow.to, arrow.item))
            .collect()
    }

    fn expect(files: &[(&str, &str)], expected: &[(&str, &str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(from, to, item)| (from.to_string(), to.to_string(), item.to_string()))
            .collect();
        assert_eq!(arrows(files), expected);
    }

    #[test]
    fn nested_trees() {
        expect(
            &[
                ("root.rs", "mod a; mod b; mod c;"),
                ("a.rs", "use crate::{b::{self, X as Y}, c::d::*};"),
                ("b.rs", "pub struct X;"),
                ("c/mod.rs", "pub mod d;"),
                ("c/d.rs", ""),
            ],
            &[
                ("a.rs", "b.rs", ""),
                ("a.rs", "b.rs", "X"),
                ("a.rs", "c/d.rs", "*"),
            ],
        );
    }

    #[test]
    fn relative_paths() {
        expect(
            &[
                ("root.rs", "mod a; mod b;"),
                (
                    "a/mod.rs",
                    "mod c; mod d; mod inner { use super::super::b::Z; }",
                ),
                ("a/c.rs", "use super::d::X; fn f() { super::super::b::g() }"),
                (
                    "a/d.rs",
                    "pub(in crate::b) struct X; fn f() { self::g() } fn g() {}",
                ),
                ("b.rs", ""),
            ],
            &[
                ("a/c.rs", "a/d.rs", "X"),
                ("a/c.rs", "b.rs", "g"),
                ("a/mod.rs", "b.rs", "Z"),
            ],
        );
    }

    #[test]
    fn macros_and_path_attributes() {
        expect(
            &[
                ("root.rs", "mod a; #[path = \"deep/er.rs\"] mod b;"),
                ("a.rs", "fn f() { m!(x, { y(crate::b::Z::new()) }) }"),
                ("deep/er.rs", "fn f() -> Vec<crate::a::T> { loop {} }"),
            ],
            &[
                ("a.rs", "deep/er.rs", "Z::new"),
                ("deep/er.rs", "a.rs", "T"),
            ],
        );
    }

    #[test]
    fn circles() {
        let arrow = |from: &str, to: &str| Arrow {
            from: from.to_owned(),
            to: to.to_owned(),
            item: String::new(),
        };
        let mut arrows: BTreeSet<_> = [arrow("a", "b"), arrow("b", "c")].into();
        assert_eq!(circle(&arrows, "a"), None);
        arrows.insert(arrow("c", "a"));
        let expected: Vec<_> = ["a", "b", "c", "a"].map(str::to_owned).into();
        assert_eq!(circle(&arrows, "a"), Some(expected));
    }

    #[test]
    fn rooms_by_the_longest_name() {
        assert!(floor("edge/arch/x86_64/stack.rs") < floor("edge/kernel/tasks.rs"));
        assert!(floor("edge/kernel/tasks.rs") < floor("edge/arch/x86_64/this_cpu.rs"));
        assert!(floor("edge/bindings.rs") < floor("edge/arch/x86_64/call.rs"));
        assert!(floor("change/plan.rs") < floor("registry/mod.rs"));
    }
}
