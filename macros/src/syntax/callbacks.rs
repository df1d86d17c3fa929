// SPDX-License-Identifier: GPL-2.0

//! Functions of a patch that are told of a change.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{braced, Error, Path, Result, Token};

/// The callbacks there are, in the order in which they run.
pub(crate) const NAMES: [&str; 4] = ["pre_patch", "post_patch", "pre_unpatch", "post_unpatch"];

/// `{ pre_patch: check, post_unpatch: undo }`.
pub(crate) struct Callbacks {
    /// As many as `NAMES`.
    pub(crate) given: [Option<Path>; NAMES.len()],
}

impl Callbacks {
    pub(super) fn parse(input: ParseStream<'_>) -> Result<Self> {
        let inner;
        let brace = braced!(inner in input);
        let mut given = [const { None }; NAMES.len()];
        while !inner.is_empty() {
            let name: Ident = inner.parse()?;
            inner.parse::<Token![:]>()?;
            let place = NAMES
                .iter()
                .zip(&mut given)
                .find(|(known, _)| name == *known);
            let Some((_, place)) = place else {
                let words = format!(
                    "`{name}` is no callback; there are `{}`",
                    NAMES.join("`, `")
                );
                return Err(Error::new(name.span(), words));
            };
            let path = inner.call(Path::parse_mod_style)?;
            if place.replace(path).is_some() {
                return Err(Error::new(name.span(), format!("`{name}` is given twice")));
            }
            if !inner.is_empty() {
                inner.parse::<Token![,]>()?;
            }
        }
        if given.iter().all(Option::is_none) {
            return Err(Error::new(brace.span.join(), "no callback is named"));
        }
        Ok(Callbacks { given })
    }
}
