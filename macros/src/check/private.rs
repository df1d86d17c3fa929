// SPDX-License-Identifier: GPL-2.0

//! Declares what a patch uses of an object although it is not exported.

use proc_macro2::TokenStream;
use quote::{quote, ToTokens};
use syn::{Result, TypeBareFn};

use super::{Checks, Known, Target, Usage};
use crate::spans::spanned;
use crate::spelling::{Signature, Style};
use crate::syntax::{Kind, Object, Private};

impl Checks {
    /// Adds the declaration of a private symbol.
    pub(super) fn private(
        &mut self,
        object: &Object,
        private: &Private,
        known: &Known<'_>,
    ) -> Result<()> {
        let item = match &private.kind {
            Kind::Function(stated) => self.private_function(object, private, stated, known)?,
            Kind::Static { mutable, kind } => {
                let mutable = mutable.then(|| quote!(mut));
                let local = &private.local;
                quote!(pub(crate) static #mutable #local: #kind;)
            }
        };
        let symbol = private.symbol(object);
        let words = format!(
            " `{}` of `{}`, which is not exported.",
            private.name.text, object.name.text
        );
        // These are types of the kernel, whatever a lint has to say of them. A prototype that the
        // author states may be anything.
        let stated = matches!(private.kind, Kind::Function(Some(_)));
        let allow = (!stated).then(|| quote!(#[allow(improper_ctypes)]));
        self.items.extend(quote! {
            #allow
            unsafe extern "C" {
                #[doc = #words]
                #[link_name = #symbol]
                #item
            }
        });
        Ok(())
    }

    fn private_function(
        &mut self,
        object: &Object,
        private: &Private,
        stated: &Option<TypeBareFn>,
        known: &Known<'_>,
    ) -> Result<TokenStream> {
        let target = Target {
            object,
            name: &private.name,
            usage: Usage::Called,
        };
        let (local, span) = (&private.local, private.name.span);
        let prototype = known.prototype(&target, stated.is_some())?;
        let signature = prototype
            .map(|(btf, prototype)| known.signature(&target, btf, prototype, Style::Qualified))
            .transpose()?;
        let item = match (stated, &signature) {
            (Some(stated), _) => from_type(local, stated),
            (None, Some(signature)) => from_signature(local, signature, span),
            (None, None) => return Err(target.error("has no prototype")),
        };
        if let Some(signature) = signature {
            if stated.is_some() {
                self.compare(&spanned(&signature.pointer(), span), &local.clone().into());
            }
            self.adopt(signature, span);
        }
        Ok(item)
    }
}

/// The declaration of a function with this type.
fn from_type(local: &syn::Ident, stated: &TypeBareFn) -> TokenStream {
    let parameters = stated.inputs.iter().map(|input| {
        let (name, kind) = (input.name.as_ref().map(|(name, _)| name), &input.ty);
        let name = name.map_or_else(|| quote!(_), ToTokens::to_token_stream);
        quote!(#name: #kind)
    });
    let variadic = stated.variadic.as_ref().map(|_| quote!(...));
    let parameters = parameters.chain(variadic);
    let result = &stated.output;
    quote!(pub(crate) fn #local(#(#parameters),*) #result;)
}

/// The declaration of a function with this signature.
fn from_signature(
    local: &syn::Ident,
    signature: &Signature,
    span: proc_macro2::Span,
) -> TokenStream {
    let parameters = signature
        .parameters
        .iter()
        .map(|(name, kind)| spanned(&format!("{name}: {kind}"), span));
    let variadic = signature.variadic.then(|| quote!(...));
    let parameters = parameters.chain(variadic);
    let result = spanned(&signature.arrow(), span);
    quote!(pub(crate) fn #local(#(#parameters),*) #result;)
}
