// SPDX-License-Identifier: GPL-2.0

//! What an author may write in `patch!`.

mod callbacks;
mod function;
mod name;
mod object;
mod private;
mod syscall;

use std::collections::HashSet;

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{bracketed, token, Error, Ident, LitBool, LitStr, Path, Result, Token};

pub(crate) use self::callbacks::{Callbacks, NAMES as CALLBACKS};
pub(crate) use self::function::Function;
pub(crate) use self::name::Name;
pub(crate) use self::object::Object;
pub(crate) use self::private::{Kind, Private};
pub(crate) use self::syscall::Syscall;

/// The licenses that `include/linux/license.h` takes for GPL compatible.
const LICENSES: [&str; 6] = [
    "GPL",
    "GPL v2",
    "GPL and additional rights",
    "Dual BSD/GPL",
    "Dual MIT/GPL",
    "Dual MPL/GPL",
];

/// Everything between the braces.
pub(crate) struct Patch {
    pub(crate) description: LitStr,
    pub(crate) author: Option<LitStr>,
    pub(crate) license: LitStr,
    /// Whether it supersedes all patches that are enabled before it.
    pub(crate) replace: bool,
    /// How it deals with tasks that are inside of a function: one of [`MODELS`].
    pub(crate) consistency: Option<Ident>,
    /// Statics that outlive the patch.
    pub(crate) states: Vec<Path>,
    pub(crate) objects: Vec<Object>,
}

/// The fields as they are read, in any order.
#[derive(Default)]
struct Fields {
    description: Option<LitStr>,
    author: Option<LitStr>,
    license: Option<LitStr>,
    replace: Option<LitBool>,
    consistency: Option<Ident>,
    states: Option<Vec<Path>>,
    objects: Vec<Object>,
}

impl Fields {
    fn parse(&mut self, input: ParseStream<'_>) -> Result<()> {
        let name: Name = input.parse()?;
        input.parse::<Token![:]>()?;
        let twice = if input.peek(token::Brace) {
            if self
                .objects
                .iter()
                .any(|object| object.name.text == name.text)
            {
                return Err(name.error(format!("the object `{}` is given twice", name.text)));
            }
            self.objects.push(Object::parse(name, input)?);
            return Ok(());
        } else {
            match name.text.as_str() {
                "description" => self.description.replace(text(input)?).is_some(),
                "author" => self.author.replace(text(input)?).is_some(),
                "license" => self.license.replace(text(input)?).is_some(),
                "replace" => self.replace.replace(input.parse()?).is_some(),
                "consistency" => self.consistency.replace(model(input)?).is_some(),
                "states" => self.states.replace(states(input)?).is_some(),
                _ => return Err(unknown_field(&name)),
            }
        };
        if twice {
            return Err(name.error(format!("`{}` is given twice", name.text)));
        }
        Ok(())
    }
}

impl Parse for Patch {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut fields = Fields::default();
        while !input.is_empty() {
            fields.parse(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let missing =
            |what: &str| Error::new(Span::call_site(), format!("the patch has no {what}"));
        let license = fields
            .license
            .ok_or_else(|| missing("`license: \"GPL\"`"))?;
        if !LICENSES.contains(&license.value().as_str()) {
            return Err(Error::new(
                license.span(),
                format!("a patch uses symbols that are for GPL modules only; one of {LICENSES:?}"),
            ));
        }
        if !fields.objects.iter().any(Object::changes_something) {
            return Err(missing(
                "object with functions to replace: `vmlinux: { function => replacement }`",
            ));
        }
        private::all_different(&fields.objects)?;
        Ok(Patch {
            description: fields
                .description
                .ok_or_else(|| missing("`description: \"…\"`"))?,
            author: fields.author,
            license,
            replace: fields.replace.is_some_and(|replace| replace.value),
            consistency: fields.consistency,
            states: fields.states.unwrap_or_default(),
            objects: fields.objects,
        })
    }
}

fn unknown_field(name: &Name) -> Error {
    name.error(format!(
        "`{}` is neither `description`, `author`, `license`, `replace`, `consistency` or `states` nor an object \
         (`vmlinux: {{ function => replacement }}`)",
        name.text
    ))
}

/// Text that ends up as a string of C.
fn text(input: ParseStream<'_>) -> Result<LitStr> {
    let text: LitStr = input.parse()?;
    if text.value().contains('\0') {
        return Err(Error::new(text.span(), "the kernel ends a string at NUL"));
    }
    Ok(text)
}

/// What `consistency` may be.
const MODELS: [&str; 3] = ["stop_machine", "per_task", "auto"];

fn model(input: ParseStream<'_>) -> Result<Ident> {
    let model = Ident::parse_any(input)?;
    if MODELS.iter().any(|known| model == known) {
        return Ok(model);
    }
    let words = format!("`{model}` is no model of consistency; one of {MODELS:?}");
    Err(Error::new(model.span(), words))
}

/// `[A, B]`, paths of statics.
fn states(input: ParseStream<'_>) -> Result<Vec<Path>> {
    let inner;
    bracketed!(inner in input);
    let states = inner.parse_terminated(Path::parse_mod_style, Token![,])?;
    let mut seen = HashSet::new();
    for state in &states {
        let text = state.to_token_stream().to_string();
        let words = format!("the state `{text}` is given twice");
        if !seen.insert(text) {
            return Err(Error::new_spanned(state, words));
        }
    }
    Ok(states.into_iter().collect())
}

#[cfg(test)]
mod tests;
