// SPDX-License-Identifier: GPL-2.0

//! The declaration that a patch hands to the core.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Path};

use crate::syntax::{Callbacks, Function, Object, Patch, CALLBACKS};

/// What the patch tells the core.
pub(super) fn table(patch: &Patch) -> TokenStream {
    let mut functions = TokenStream::new();
    let mut list = TokenStream::new();
    // What a patch uses of the kernel itself is there when it is loaded; what it uses of a module
    // comes and goes with that.
    let told = |object: &&Object| object.changes_something() || !object.is_vmlinux();
    let objects: Vec<&Object> = patch.objects.iter().filter(told).collect();
    for (index, object) in objects.iter().enumerate() {
        let table = format_ident!("__MOLT_FUNCTIONS_{index}");
        let count = object.functions.len();
        let lines = object.functions.iter().map(function);
        functions.extend(quote! {
            #[allow(clippy::undocumented_unsafe_blocks)]
            static #table: [::molt::__private::Function; #count] = [#(#lines),*];
        });
        let name = c_string(&object.name.text, object.name.span);
        let callbacks = object.callbacks.as_ref().map(callbacks);
        list.extend(quote!(::molt::__private::Object::new(#name, &#table) #callbacks,));
    }
    let count = objects.len();
    let replacing = patch.replace.then(|| quote!(.replacing()));
    let consistency = patch.consistency.as_ref().map(|model| quote!(.#model()));
    let (states, with_states) = states(&patch.states);
    quote! {
        #functions
        #states
        static __MOLT_OBJECTS: [::molt::__private::Object; #count] = [#list];
        static __MOLT_PATCH: ::molt::__private::Declaration =
            ::molt::__private::Declaration::new(&__MOLT_OBJECTS) #replacing #consistency #with_states;
    }
}

fn function(function: &Function) -> TokenStream {
    let name = c_string(&function.name.text, function.name.span);
    let (position, replacement) = (function.position, &function.replacement);
    let forced = function.forced.then(|| quote!(.forced()));
    // SAFETY (of the expansion): `check` has compared the types; that the function keeps to the
    // contract of the one it replaces is what its author declares with `patch!`.
    let text = quote!(unsafe { ::molt::__private::Text::new(#replacement as *const ()) });
    quote!(::molt::__private::Function::new(#name, #position, #text) #forced)
}

/// The list of states, and what hands it over.
fn states(states: &[Path]) -> (TokenStream, TokenStream) {
    if states.is_empty() {
        return Default::default();
    }
    let count = states.len();
    let list = quote! {
        static __MOLT_STATES: [&::molt::__private::StateHead; #count] = [#(#states.head()),*];
    };
    (list, quote!(.with_states(&__MOLT_STATES)))
}

fn callbacks(callbacks: &Callbacks) -> TokenStream {
    let fields = CALLBACKS.iter().zip(&callbacks.given).map(|(name, path)| {
        let name = format_ident!("{name}");
        match path {
            Some(path) => quote!(#name: ::core::option::Option::Some(#path)),
            None => quote!(#name: ::core::option::Option::None),
        }
    });
    quote!(.with_callbacks(::molt::__private::Callbacks { #(#fields),* }))
}

fn c_string(text: &str, span: Span) -> TokenStream {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    let mut literal = match std::ffi::CString::from_vec_with_nul(bytes) {
        Ok(text) => Literal::c_string(&text),
        Err(_) => return Error::new(span, "a name contains NUL").to_compile_error(),
    };
    literal.set_span(span);
    quote!(#literal)
}
