// SPDX-License-Identifier: GPL-2.0

//! What `patch!` becomes: the checks, the table for the core, and the module. Everything that this
//! macro uses of `molt` is named here and in `check::types`.

use std::env;
use std::path::Path;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Result};

use crate::check::{self, Checks};
use crate::objects::Kernel;
use crate::syntax::{Object, Patch};

/// How long a patch waits for the tasks in its way, if the loader does not say.
const DEADLINE_MS: u32 = 10_000;

/// Expands a patch that the kernel agrees with.
pub(crate) fn expand(patch: &Patch) -> Result<TokenStream> {
    let kernel = Kernel::from_environment().map_err(fail)?;
    let Checks { items, opaque } = check::check(patch, &kernel)?;
    let types = check::types(&opaque);
    let table = table(&patch.objects);
    let module = module(patch, &module_name().map_err(fail)?);
    Ok(quote! { #items #types #table #module })
}

/// What the patch tells the core.
fn table(objects: &[Object]) -> TokenStream {
    let mut functions = TokenStream::new();
    let mut list = TokenStream::new();
    for (index, object) in objects.iter().enumerate() {
        let table = format_ident!("__MOLT_FUNCTIONS_{index}");
        let count = object.functions.len();
        let lines = object.functions.iter().map(|function| {
            let name = c_string(&function.name.text, function.name.span);
            let (position, replacement) = (function.position, &function.replacement);
            // SAFETY (of the expansion): `check` has compared the types; that the function keeps to
            // the contract of the one it replaces is what its author declares with `patch!`.
            let text = quote!(unsafe { ::molt::__private::Text::new(#replacement as *const ()) });
            quote!(::molt::__private::Function::new(#name, #position, #text))
        });
        functions.extend(quote! {
            #[allow(clippy::undocumented_unsafe_blocks)]
            static #table: [::molt::__private::Function; #count] = [#(#lines),*];
        });
        let name = c_string(&object.name.text, object.name.span);
        list.extend(quote!(::molt::__private::Object::new(#name, &#table),));
    }
    let count = objects.len();
    quote! {
        #functions
        static __MOLT_OBJECTS: [::molt::__private::Object; #count] = [#list];
        static __MOLT_PATCH: ::molt::__private::Declaration =
            ::molt::__private::Declaration::new(&__MOLT_OBJECTS);
    }
}

/// The kernel module that hands the table over and holds the registration.
fn module(patch: &Patch, name: &str) -> TokenStream {
    let Patch {
        description,
        author,
        license,
        ..
    } = patch;
    let authors = author.as_ref().map(|author| quote!(authors: [#author],));
    quote! {
        struct __MoltModule {
            _registration: ::molt::__private::Registration,
        }

        impl ::kernel::Module for __MoltModule {
            fn init(module: &'static ::kernel::ThisModule) -> ::kernel::error::Result<Self> {
                // The value in some releases of the kernel, a reference to it in others.
                let deadline_ms: &u32 = &module_parameters::deadline_ms.value();
                let _registration =
                    ::molt::__private::Registration::new(module, &__MOLT_PATCH, *deadline_ms)?;
                Ok(Self { _registration })
            }
        }

        ::kernel::prelude::module! {
            type: __MoltModule,
            name: #name,
            #authors
            description: #description,
            license: #license,
            params: {
                deadline_ms: u32 {
                    default: #DEADLINE_MS,
                    description: "How long to wait for tasks in the way, in milliseconds",
                },
            },
        }
    }
}

/// The module's name as the kernel will show it. Kbuild passes the path of the module's object
/// file without its ending.
fn module_name() -> std::result::Result<String, String> {
    let file = env::var("RUST_MODFILE")
        .map_err(|_| "RUST_MODFILE is not set: `patch!` needs the kernel's build system")?;
    let name = Path::new(&file).file_name().and_then(|name| name.to_str());
    match name.map(|name| name.replace('-', "_")) {
        Some(name) if syn::parse_str::<syn::Ident>(&format!("_{name}")).is_ok() => Ok(name),
        _ => Err(format!(
            "`{file}` in RUST_MODFILE does not end in the name of a module"
        )),
    }
}

/// An error of the patch as a whole.
fn fail(words: String) -> Error {
    Error::new(Span::call_site(), words)
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

/// What is left of a patch that is not right: the errors, and the types, so that rustc does not
/// complain about each use of them as well.
pub(crate) fn refuse(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    let types = check::types(&Default::default());
    quote! { #error #types }
}
