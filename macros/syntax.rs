// SPDX-License-Identifier: GPL-2.0

//! What an author may write in `patch!`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{
    braced, bracketed, token, Error, Ident, LitInt, LitStr, Path, Result, Token, TypeBareFn,
};

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
    pub(crate) objects: Vec<Object>,
}

/// The functions to replace in the kernel or in a module.
pub(crate) struct Object {
    pub(crate) name: Name,
    pub(crate) functions: Vec<Function>,
}

/// One line: `name[position]: prototype => replacement`.
pub(crate) struct Function {
    pub(crate) name: Name,
    /// Which of several functions of that name, counted from 1; 0 says that there is only one.
    pub(crate) position: u32,
    /// The author's word for what BTF does not say.
    pub(crate) prototype: Option<TypeBareFn>,
    /// `None` asks for the prototype.
    pub(crate) replacement: Option<Path>,
}

/// A name of C: an identifier, or a string where Rust has no such identifier.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            let (text, span) = (name.value(), name.span());
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::new(span, "a name has visible ASCII characters only"));
            }
            return Ok(Name { text, span });
        }
        let name = input.call(Ident::parse_any)?;
        Ok(Name {
            text: name.unraw().to_string(),
            span: name.span(),
        })
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        let position = if input.peek(token::Bracket) {
            let inner;
            bracketed!(inner in input);
            let number: LitInt = inner.parse()?;
            if !inner.is_empty() {
                return Err(inner.error("a position is one number"));
            }
            match number.base10_parse()? {
                0 => return Err(Error::new(number.span(), "positions count from 1")),
                position => position,
            }
        } else {
            0
        };
        let prototype = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            let prototype: TypeBareFn = input.parse()?;
            let c = prototype.abi.as_ref().and_then(|abi| abi.name.as_ref());
            if c.map(LitStr::value).as_deref() != Some("C") || prototype.unsafety.is_none() {
                return Err(Error::new_spanned(
                    &prototype,
                    "a function of the kernel is an `unsafe extern \"C\" fn`",
                ));
            }
            Some(prototype)
        } else {
            None
        };
        let replacement = if input.peek(Token![=>]) {
            input.parse::<Token![=>]>()?;
            Some(input.call(Path::parse_mod_style)?)
        } else {
            None
        };
        Ok(Function {
            name,
            position,
            prototype,
            replacement,
        })
    }
}

impl Object {
    fn parse(name: Name, input: ParseStream<'_>) -> Result<Self> {
        let inner;
        braced!(inner in input);
        let mut functions: Vec<Function> = Vec::new();
        while !inner.is_empty() {
            let function: Function = inner.parse()?;
            if let Some(other) = functions.iter().find(|other| other.is_same(&function)) {
                return Err(function.twice(other));
            }
            functions.push(function);
            if !inner.is_empty() {
                inner.parse::<Token![,]>()?;
            }
        }
        if functions.is_empty() {
            return Err(Error::new(
                name.span,
                format!("nothing of `{}` is replaced", name.text),
            ));
        }
        Ok(Object { name, functions })
    }
}

impl Function {
    fn is_same(&self, other: &Self) -> bool {
        let unique = self.position == 0 || other.position == 0;
        self.name.text == other.name.text && (unique || self.position == other.position)
    }

    fn twice(&self, other: &Self) -> Error {
        let name = &self.name.text;
        let message = if self.position == other.position {
            format!("`{name}` is replaced twice")
        } else {
            format!("`{name}` is given with a position and without: without says that it is the only one")
        };
        Error::new(self.name.span, message)
    }
}

impl Parse for Patch {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut description, mut author, mut license) = (None, None, None);
        let mut objects: Vec<Object> = Vec::new();
        while !input.is_empty() {
            let name: Name = input.parse()?;
            input.parse::<Token![:]>()?;
            if input.peek(token::Brace) {
                if objects.iter().any(|object| object.name.text == name.text) {
                    return Err(Error::new(
                        name.span,
                        format!("the object `{}` is given twice", name.text),
                    ));
                }
                objects.push(Object::parse(name, input)?);
            } else {
                let field = match name.text.as_str() {
                    "description" => &mut description,
                    "author" => &mut author,
                    "license" => &mut license,
                    _ => return Err(unknown_field(&name)),
                };
                if field.replace(text(input)?).is_some() {
                    return Err(Error::new(
                        name.span,
                        format!("`{}` is given twice", name.text),
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let missing =
            |what: &str| Error::new(Span::call_site(), format!("the patch has no {what}"));
        let license = license.ok_or_else(|| missing("`license: \"GPL\"`"))?;
        if !LICENSES.contains(&license.value().as_str()) {
            return Err(Error::new(
                license.span(),
                format!("a patch uses symbols that are for GPL modules only; one of {LICENSES:?}"),
            ));
        }
        if objects.is_empty() {
            return Err(missing(
                "object with functions to replace: `vmlinux: { function => replacement }`",
            ));
        }
        Ok(Patch {
            description: description.ok_or_else(|| missing("`description: \"…\"`"))?,
            author,
            license,
            objects,
        })
    }
}

fn unknown_field(name: &Name) -> Error {
    Error::new(
        name.span,
        format!(
            "`{}` is neither `description`, `author` or `license` nor an object \
             (`vmlinux: {{ function => replacement }}`)",
            name.text
        ),
    )
}

/// Text that ends up as a string of C.
fn text(input: ParseStream<'_>) -> Result<LitStr> {
    let text: LitStr = input.parse()?;
    if text.value().contains('\0') {
        return Err(Error::new(text.span(), "the kernel ends a string at NUL"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
