// SPDX-License-Identifier: GPL-2.0

//! A line that replaces a function.

use syn::parse::{Parse, ParseStream};
use syn::{Error, LitStr, Path, Result, Token, TypeBareFn};

use super::name::{position, Name};

/// One line: `force name[position]: prototype => replacement`.
pub(crate) struct Function {
    pub(crate) name: Name,
    /// Which of several functions of that name, counted from 1; 0 says that there is only one.
    pub(crate) position: u32,
    /// The author's word for what BTF does not say.
    pub(crate) prototype: Option<TypeBareFn>,
    /// `None` asks for the prototype.
    pub(crate) replacement: Option<Path>,
    /// Whether it is replaced although tasks may be inside.
    pub(crate) forced: bool,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        let position = position(input)?;
        let prototype = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            Some(prototype(input)?)
        } else {
            None
        };
        Ok(Function {
            name,
            position,
            prototype,
            replacement: replacement(input)?,
            forced: false,
        })
    }
}

impl Function {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let unique = self.position == 0 || other.position == 0;
        self.name.text == other.name.text && (unique || self.position == other.position)
    }

    pub(super) fn twice(&self, other: &Self) -> Error {
        let name = &self.name.text;
        self.name.error(if self.position == other.position {
            format!("`{name}` is replaced twice")
        } else {
            format!("`{name}` is given with a position and without: without says that it is the only one")
        })
    }
}

/// The type of a function of the kernel.
pub(super) fn prototype(input: ParseStream<'_>) -> Result<TypeBareFn> {
    let prototype: TypeBareFn = input.parse()?;
    let c = prototype.abi.as_ref().and_then(|abi| abi.name.as_ref());
    if c.map(LitStr::value).as_deref() != Some("C") || prototype.unsafety.is_none() {
        return Err(Error::new_spanned(
            &prototype,
            "a function of the kernel is an `unsafe extern \"C\" fn`",
        ));
    }
    Ok(prototype)
}

/// `=> path`, or nothing.
pub(super) fn replacement(input: ParseStream<'_>) -> Result<Option<Path>> {
    if !input.peek(Token![=>]) {
        return Ok(None);
    }
    input.parse::<Token![=>]>()?;
    input.call(Path::parse_mod_style).map(Some)
}
