// SPDX-License-Identifier: GPL-2.0

//! The module `c` of a patch.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The kernel's C types by their C names. What the bindings do not have is there too, as a type
/// without visible content.
pub(crate) fn types(opaque: &BTreeSet<String>) -> TokenStream {
    let opaque = opaque
        .iter()
        .map(|name| opaque_type(&format_ident!("{name}")));
    quote! {
        /// The kernel's C types and functions, by their C names.
        #[allow(missing_docs, non_camel_case_types, unused_imports, unreachable_pub)]
        pub(crate) mod c {
            pub use ::molt::c::*;
            #(#opaque)*
        }
    }
}

fn opaque_type(name: &Ident) -> TokenStream {
    quote! {
        #[repr(C)]
        pub struct #name {
            _content: [u8; 0],
            _not_send: ::core::marker::PhantomData<(*mut u8, ::core::marker::PhantomPinned)>,
        }
    }
}
