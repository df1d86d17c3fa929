// SPDX-License-Identifier: GPL-2.0

//! What `patch!` becomes: the checks, the table for the core, and the module. Everything that this
//! macro uses of `molt` is named here, in `table` and in `check`.

mod table;

use std::env;
use std::path::Path;

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;
use syn::{Error, Result};

use crate::check::{self, Checks};
use crate::objects::Kernel;
use crate::syntax::Patch;

/// How long a patch waits for the tasks in its way, if the loader does not say.
const DEADLINE_MS: u32 = 10_000;

/// Expands a patch that the kernel agrees with.
pub(crate) fn expand(mut patch: Patch) -> Result<TokenStream> {
    let kernel = Kernel::from_environment().map_err(fail)?;
    let Checks { items, opaque } = check::check(&mut patch, &kernel)?;
    let types = check::types(&opaque);
    let table = table::table(&patch);
    let module = module(&patch, &module_name().map_err(fail)?);
    Ok(quote! { #items #types #table #module })
}

/// The kernel module that hands the table over and holds the registration.
fn module(patch: &Patch, name: &str) -> TokenStream {
    let Patch {
        description,
        author,
        license,
        ..
    } = patch;
    let livepatch = Literal::byte_string(b"livepatch=Y\0");
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

        // The loader keeps its ELF information of such a module, which private symbols of modules
        // need, and taints the kernel for what it is: live patched.
        #[link_section = ".modinfo"]
        #[used(compiler)]
        static __MOLT_LIVEPATCH: [u8; #livepatch.len()] = *#livepatch;

        // What `module!` puts into this section is only read, and memory for that is allocated,
        // protected and freed by itself on each load. Beside something that is written, it shares
        // what there is.
        #[link_section = ".init.data"]
        #[used(compiler)]
        static __MOLT_WRITTEN: ::core::sync::atomic::AtomicBool =
            ::core::sync::atomic::AtomicBool::new(false);

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

/// What is left of a patch that is not right: the errors, and the types, so that rustc does not
/// complain about each use of them as well.
pub(crate) fn refuse(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    let types = check::types(&Default::default());
    quote! { #error #types }
}
