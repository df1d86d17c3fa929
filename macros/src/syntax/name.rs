// SPDX-License-Identifier: GPL-2.0

//! Names of C in Rust.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{bracketed, token, Error, LitInt, LitStr, Result};

/// A name of C: an identifier, or a string where Rust has no such identifier.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Name {
    /// An error that points at the name.
    pub(crate) fn error(&self, words: impl Into<String>) -> Error {
        Error::new(self.span, words.into())
    }

    /// Whether a name may begin after this token.
    pub(super) fn follows(input: ParseStream<'_>) -> bool {
        input.peek2(LitStr) || input.peek2(Ident::peek_any)
    }
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

/// `[n]` after a name: which of several symbols of that name, counted from 1. Nothing is 0 and says
/// that there is only one.
pub(super) fn position(input: ParseStream<'_>) -> Result<u32> {
    if !input.peek(token::Bracket) {
        return Ok(0);
    }
    let inner;
    bracketed!(inner in input);
    let number: LitInt = inner.parse()?;
    if !inner.is_empty() {
        return Err(inner.error("a position is one number"));
    }
    match number.base10_parse()? {
        0 => Err(Error::new(number.span(), "positions count from 1")),
        position => Ok(position),
    }
}
