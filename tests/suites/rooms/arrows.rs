// SPDX-License-Identifier: GPL-2.0

//! Finds the arrows of a crate: which file uses which item of which other file.
//!
//! It reads `use` declarations, paths in code, and paths in what macros are given or expand to. A
//! name is followed through `use` and `pub use` to the file that defines it. `mod x;` is no arrow,
//! and neither is importing a module by itself: what counts are the items that are used through it.
//!
//! Not seen are methods (their type is named somewhere, as a rule) and names in documentation.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemMod, ItemUse, UseTree, Visibility};

/// The names that lead from the crate's root to a module.
type Module = Vec<String>;

/// File `from` uses `item` of file `to`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub item: String,
}

/// The files of a crate, and what each of its modules declares.
#[derive(Default)]
pub struct Crate {
    /// Name and content.
    pub files: BTreeMap<String, syn::File>,
    /// Several for a module of which each architecture has its own.
    modules: BTreeMap<Module, Vec<Scope>>,
    /// The files that define a `macro_rules!` macro, by its name.
    macros: BTreeMap<String, BTreeSet<String>>,
}

/// What the names in one module stand for.
#[derive(Default)]
struct Scope {
    file: String,
    items: BTreeSet<String>,
    /// What `use` gives a name to.
    uses: BTreeMap<String, Vec<String>>,
    /// `use …::*`.
    globs: Vec<Vec<String>>,
}

/// What a path leads to: a file and an item of it, or the module that the file is.
struct End {
    file: String,
    item: Option<String>,
}

/// What has been followed already, so that a circle of re-exports has an end.
type Seen = BTreeSet<(Module, String)>;

impl Crate {
    /// Reads the crate whose root is the file `root`, along its `mod` declarations. `read` gives
    /// the content of a file.
    pub fn read(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut this = Self::default();
        this.add(Vec::new(), root, root, read);
        this
    }

    fn add(
        &mut self,
        module: Module,
        name: &str,
        root: &str,
        read: &dyn Fn(&str) -> Option<String>,
    ) {
        let text = read(name).unwrap_or_else(|| panic!("there is no {name}"));
        let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut collector = Collector {
            file: name,
            module: module.clone(),
            into: self,
        };
        collector.scope();
        collector.visit_file(&file);
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        // Where the files of its modules are: beside `mod.rs` and the root, below any other file.
        let below = match name == root || name.ends_with("/mod.rs") {
            true => folder,
            false => name.trim_end_matches(".rs"),
        };
        for item in &file.items {
            let Item::Mod(declared @ ItemMod { content: None, .. }) = item else {
                continue;
            };
            let child = declared.ident.to_string();
            let candidates = match path_attribute(declared) {
                Some(path) => vec![join(folder, &path)],
                None => vec![
                    join(below, &format!("{child}.rs")),
                    join(below, &format!("{child}/mod.rs")),
                ],
            };
            let found = candidates.iter().find(|name| read(name).is_some());
            let found = found.unwrap_or_else(|| panic!("{name}: mod {child} has no file"));
            let path = extend(&module, &child);
            self.add(path, found, root, read);
        }
        self.files.insert(name.to_owned(), file);
    }

    /// All arrows between its files.
    pub fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (module, scopes) in &self.modules {
            // A module within a file is visited with that file.
            for scope in scopes.iter().filter(|scope| self.is_file(module, scope)) {
                let mut finder = Finder {
                    all: self,
                    from: &scope.file,
                    module: module.clone(),
                    arrows: &mut arrows,
                };
                finder.visit_file(&self.files[&scope.file]);
            }
        }
        arrows
    }

    fn is_file(&self, module: &[String], scope: &Scope) -> bool {
        match module {
            [] => true,
            [parent @ .., _] => !self.modules[parent].iter().any(|p| p.file == scope.file),
        }
    }

    /// A path in `module` from the crate's root, unless it leads to another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let (mut base, mut rest) = match first.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (module.to_vec(), &path[1..]),
            "super" => (module.to_vec(), path),
            _ if self.knows(module, first) => (module.to_vec(), path),
            _ => return None,
        };
        while let [first, behind @ ..] = rest {
            if first != "super" {
                break;
            }
            base.pop();
            rest = behind;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// Whether `name` is something in `module`.
    fn knows(&self, module: &[String], name: &str) -> bool {
        let mut scopes = self.modules.get(module).into_iter().flatten();
        self.modules.contains_key(&extend(module, name))
            || scopes.any(|scope| scope.items.contains(name) || scope.uses.contains_key(name))
    }

    /// What a path from the crate's root leads to, and whether that is certain.
    fn follow(&self, path: &[String], seen: &mut Seen) -> (Vec<End>, bool) {
        // The longest beginning that is a module.
        let mut length = 0;
        while length < path.len() && self.modules.contains_key(&path[..=length]) {
            length += 1;
        }
        let (module, rest) = path.split_at(length);
        let scopes = &self.modules[module];
        let [name, behind @ ..] = rest else {
            let end = |scope: &Scope| End {
                file: scope.file.clone(),
                item: None,
            };
            return (scopes.iter().map(end).collect(), true);
        };
        if !seen.insert((module.to_vec(), name.clone())) {
            return (Vec::new(), false);
        }
        let mut ends = Vec::new();
        let mut certain = false;
        for scope in scopes {
            if let Some(used) = scope.uses.get(name) {
                certain = true;
                // None in another crate.
                if let Some(mut used) = self.imported(module, name, used) {
                    used.extend(behind.iter().cloned());
                    ends.extend(self.follow(&used, seen).0);
                }
            } else if let Some(found) = self.through_globs(scope, module, rest, seen) {
                certain = true;
                ends.extend(found);
            } else {
                certain |= scope.items.contains(name);
                ends.push(End {
                    file: scope.file.clone(),
                    item: Some(name.clone()),
                });
            }
        }
        (ends, certain)
    }

    /// The path from the crate's root of what a `use` in `module` calls `name`. A path that begins
    /// with the name that it introduces does not mean itself: it begins with a child or a crate.
    fn imported(&self, module: &[String], name: &str, used: &[String]) -> Option<Vec<String>> {
        match used.first() {
            Some(first) if first == name => {
                let child = self.modules.contains_key(&extend(module, first));
                child.then(|| module.iter().chain(used).cloned().collect())
            }
            _ => self.absolute(module, used),
        }
    }

    fn through_globs(
        &self,
        scope: &Scope,
        module: &[String],
        rest: &[String],
        seen: &mut Seen,
    ) -> Option<Vec<End>> {
        if scope.items.contains(&rest[0]) {
            return None;
        }
        scope.globs.iter().find_map(|glob| {
            let mut path = self.absolute(module, glob)?;
            // Of an enum's variants nothing is known.
            self.modules.get(&path)?;
            path.extend(rest.iter().cloned());
            let (ends, certain) = self.follow(&path, seen);
            certain.then_some(ends)
        })
    }
}

fn extend(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// What `#[path = "…"]` says.
fn path_attribute(item: &ItemMod) -> Option<String> {
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

/// What one leaf of a tree of `use` imports.
struct Import {
    path: Vec<String>,
    /// None for `*`.
    name: Option<String>,
}

fn imports(before: &[String], tree: &UseTree, into: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            imports(&extend(before, &path.ident.to_string()), &path.tree, into);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                imports(before, tree, into);
            }
        }
        UseTree::Name(name) if name.ident == "self" => into.push(Import {
            path: before.to_vec(),
            name: before.last().cloned(),
        }),
        UseTree::Name(name) => into.push(Import {
            path: extend(before, &name.ident.to_string()),
            name: Some(name.ident.to_string()),
        }),
        UseTree::Rename(rename) => into.push(Import {
            path: match rename.ident == "self" {
                true => before.to_vec(),
                false => extend(before, &rename.ident.to_string()),
            },
            name: Some(rename.rename.to_string()),
        }),
        UseTree::Glob(_) => into.push(Import {
            path: before.to_vec(),
            name: None,
        }),
    }
}

/// Takes down what the modules of one file declare. What a function imports for itself counts as
/// imported by its module.
struct Collector<'a> {
    file: &'a str,
    module: Module,
    into: &'a mut Crate,
}

impl Collector<'_> {
    fn scope(&mut self) -> &mut Scope {
        let scopes = self.into.modules.entry(self.module.clone()).or_default();
        let place = scopes.iter().position(|scope| scope.file == self.file);
        let place = place.unwrap_or_else(|| {
            scopes.push(Scope {
                file: self.file.to_owned(),
                ..Scope::default()
            });
            scopes.len() - 1
        });
        &mut scopes[place]
    }

    /// A `macro_rules!`, which may be exported from the crate's root.
    fn macro_rules(&mut self, name: &str, exported: bool) {
        let files = self.into.macros.entry(name.to_owned()).or_default();
        files.insert(self.file.to_owned());
        if exported && !self.module.is_empty() {
            let path = std::iter::once("crate".to_owned()).chain(extend(&self.module, name));
            let path = path.collect();
            let root = self.into.modules.get_mut(&Module::new());
            let root = root.and_then(|scopes| scopes.first_mut());
            root.expect("it was read first")
                .uses
                .insert(name.to_owned(), path);
        }
    }
}

impl Visit<'_> for Collector<'_> {
    fn visit_item(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Macro(item) => item.ident.as_ref(),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::TraitAlias(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(name) = name {
            self.scope().items.insert(name.to_string());
            if let Item::Macro(item) = item {
                let mut attributes = item.attrs.iter();
                let exported = attributes.any(|one| one.path().is_ident("macro_export"));
                self.macro_rules(&name.to_string(), exported);
            }
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &ItemMod) {
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            self.scope();
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        let mut found = Vec::new();
        imports(&[], &item.tree, &mut found);
        for Import { path, name } in found {
            match name {
                Some(name) => drop(self.scope().uses.insert(name, path)),
                None => self.scope().globs.push(path),
            }
        }
    }
}

/// Finds the arrows of one file.
struct Finder<'a> {
    all: &'a Crate,
    from: &'a str,
    /// The module that is looked at; it may be one within the file.
    module: Module,
    arrows: &'a mut BTreeSet<Arrow>,
}

impl Finder<'_> {
    fn arrow(&mut self, to: &str, item: &str) {
        if to != self.from {
            self.arrows.insert(Arrow {
                from: self.from.to_owned(),
                to: to.to_owned(),
                item: item.to_owned(),
            });
        }
    }

    /// Takes note of where a path leads. A module by itself counts as `whole`, if at all.
    fn path(&mut self, path: &[String], whole: Option<&str>) {
        if let Some(path) = self.all.absolute(&self.module, path) {
            self.ends(&path, whole);
        }
    }

    fn ends(&mut self, path: &[String], whole: Option<&str>) {
        for end in self.all.follow(path, &mut Seen::new()).0 {
            if let Some(item) = end.item.as_deref().or(whole) {
                self.arrow(&end.file, item);
            }
        }
    }

    fn tree(&mut self, before: &[String], tree: &UseTree, exported: bool) {
        let mut found = Vec::new();
        imports(before, tree, &mut found);
        for Import { path, name } in found {
            match name {
                None => self.path(&path, Some("*")),
                Some(name) => {
                    let whole = exported.then_some("the module");
                    if let Some(path) = self.all.imported(&self.module, &name, &path) {
                        self.ends(&path, whole);
                    }
                }
            }
        }
    }

    /// A macro without a path is this file's, or that of a file which the compiler read before.
    fn textual_macro(&mut self, name: &str) {
        if self.all.knows(&self.module, name) {
            return;
        }
        for to in self.all.macros.get(name).into_iter().flatten() {
            self.arrow(to, name);
        }
    }

    /// Paths in what a macro is given or expands to, which is no syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            let goes_on = colons == 2 && !path.is_empty();
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if !goes_on {
                        self.code(&path);
                        path.clear();
                        // `::name` is another crate's.
                        path.extend((colons == 2).then(String::new));
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    let imports = goes_on && group.delimiter() == Delimiter::Brace;
                    let tree = TokenTree::from(group.clone()).into();
                    match syn::parse2::<UseTree>(tree) {
                        Ok(tree) if imports => self.tree(&path, &tree, false),
                        _ => {
                            self.code(&path);
                            self.tokens(group.stream());
                        }
                    }
                    path.clear();
                }
                _ => {
                    self.code(&path);
                    path.clear();
                }
            }
            colons = 0;
        }
        self.code(&path);
    }

    /// A path in code. A single name is an item of this module, or `use` says where it is from.
    fn code(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.path(path, None);
        }
    }
}

impl Visit<'_> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &ItemMod) {
        if item.content.is_some() {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            let exported = !matches!(item.vis, Visibility::Inherited);
            self.tree(&[], &item.tree, exported);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            let names = path.segments.iter().map(|one| one.ident.to_string());
            self.code(&names.collect::<Vec<_>>());
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::edge)` says who may see an item; it uses nothing.
    fn visit_visibility(&mut self, _: &Visibility) {}

    fn visit_macro(&mut self, item: &syn::Macro) {
        if let Some(name) = item.path.get_ident() {
            self.textual_macro(&name.to_string());
        }
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
}
