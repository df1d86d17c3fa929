// SPDX-License-Identifier: GPL-2.0

//! Where the compiler points when it complains of what the macro wrote.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// The tokens of a type, all with one span.
pub(crate) fn spanned(source: &str, span: Span) -> TokenStream {
    let tokens: TokenStream = source.parse().unwrap_or_default();
    place(tokens, span)
}

fn place(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| {
            let mut token = match token {
                TokenTree::Group(group) => {
                    TokenTree::Group(Group::new(group.delimiter(), place(group.stream(), span)))
                }
                token => token,
            };
            token.set_span(span);
            token
        })
        .collect()
}
