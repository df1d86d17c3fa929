// SPDX-License-Identifier: GPL-2.0

//! The compile-time check: what the kernel says of a function, put into Rust's type system.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned, ToTokens};
use syn::{Error, Path, Result};

use crate::bindings::Bindings;
use crate::btf::{Btf, Id};
use crate::declaration;
use crate::nearest::nearest;
use crate::objects::{Kernel, VMLINUX};
use crate::spelling::{self, Signature, Style};
use crate::syntax::{Function, Object, Patch};

/// What the patch needs besides its table.
#[derive(Default)]
pub(crate) struct Checks {
    /// Items that compile only if every replacement has the signature of what it replaces.
    pub(crate) items: TokenStream,
    /// Types that occur in a signature and not in the kernel's bindings.
    pub(crate) opaque: BTreeSet<String>,
}

/// Compares every replacement with the kernel; all errors are reported together.
pub(crate) fn check(patch: &Patch, kernel: &Kernel) -> Result<Checks> {
    let bindings = kernel
        .bindings()
        .map_err(|message| Error::new(Span::call_site(), message))?;
    let mut checks = Checks::default();
    let mut errors: Option<Error> = None;
    for object in &patch.objects {
        for error in checks.object(object, kernel, &bindings) {
            match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            }
        }
    }
    errors.map_or(Ok(checks), Err)
}

impl Checks {
    fn object(&mut self, object: &Object, kernel: &Kernel, bindings: &Bindings) -> Vec<Error> {
        let btf = match kernel.object(&object.name.text) {
            Ok(btf) => Some(btf),
            // A module that is not there at build time: then every prototype must be given.
            Err(_) if object.is_spelled_out() => None,
            Err(error) => return vec![Error::new(object.name.span, error)],
        };
        let mut known: HashMap<&str, Vec<Id>> = HashMap::new();
        for (name, prototype) in btf.iter().flat_map(|btf| btf.functions()) {
            let prototypes = known.entry(name).or_default();
            if !prototypes.contains(&prototype) {
                prototypes.push(prototype);
            }
        }
        let mut errors = Vec::new();
        for function in &object.functions {
            let target = Target { object, function };
            let known = known.get(function.name.text.as_str());
            let known = known.map_or(&[][..], Vec::as_slice);
            errors.extend(
                self.function(&target, btf.as_deref(), known, bindings)
                    .err(),
            );
        }
        errors
    }

    fn function(
        &mut self,
        target: &Target<'_>,
        btf: Option<&Btf>,
        known: &[Id],
        bindings: &Bindings,
    ) -> Result<()> {
        let Target { function, .. } = target;
        match (btf, known) {
            (Some(btf), &[prototype]) => self.known(target, btf, prototype, bindings)?,
            (Some(btf), []) if function.prototype.is_none() => return Err(target.unknown(btf)),
            (Some(btf), [_, _, ..]) if function.prototype.is_none() => {
                return Err(target.several(btf, known));
            }
            _ => {}
        }
        let Some(replacement) = &function.replacement else {
            return Err(target.error("has no replacement".into()));
        };
        if let Some(prototype) = &function.prototype {
            self.compare(prototype, replacement);
        }
        Ok(())
    }

    /// The function is in BTF: its signature is what the replacement must have.
    fn known(
        &mut self,
        target: &Target<'_>,
        btf: &Btf,
        prototype: Id,
        bindings: &Bindings,
    ) -> Result<()> {
        let spell = |style| {
            spelling::rust(btf, bindings, prototype, style).map_err(|reason| {
                let c = declaration::c(btf, prototype, &target.function.name.text);
                target.error(format!("{reason}\nthe kernel has `{c}`"))
            })
        };
        let Some(replacement) = &target.function.replacement else {
            return Err(target.wanted(btf, prototype, &spell(Style::Author)?));
        };
        let signature = spell(Style::Qualified)?;
        let kernel = spanned(&signature.pointer(), target.function.name.span);
        self.compare(&kernel, replacement);
        let span = target.function.name.span;
        for (path, size) in &signature.sizes {
            let (path, size) = (spanned(path, span), *size as usize);
            let message = format!("{path} has not the size that the kernel gives it");
            self.items.extend(quote_spanned! {span=>
                const _: () = ::core::assert!(::core::mem::size_of::<#path>() == #size, #message);
            });
        }
        self.opaque.extend(signature.opaque);
        Ok(())
    }

    /// Adds a coercion, which compiles only if the types are equal. `kernel` has the span of the
    /// kernel function's name: rustc points there for what it expected, and at the replacement for
    /// what it found.
    fn compare(&mut self, kernel: &impl ToTokens, replacement: &Path) {
        self.items.extend(quote! {
            const _: () = {
                let _: #kernel = #replacement;
            };
        });
    }
}

/// A line of the patch, for messages.
struct Target<'p> {
    object: &'p Object,
    function: &'p Function,
}

impl Target<'_> {
    fn error(&self, words: String) -> Error {
        Error::new(
            self.function.name.span,
            format!("`{}` {words}", self.function.name.text),
        )
    }

    /// BTF does not have the function.
    fn unknown(&self, btf: &Btf) -> Error {
        let (object, name) = (&self.object.name.text, &self.function.name.text);
        let mut words = format!("{object} has no function `{name}` in its BTF");
        let near = nearest(name, btf.functions().map(|(name, _)| name));
        if !near.is_empty() {
            words += &format!("\nsimilar names: {}", near.join(", "));
        }
        words += &format!(
            "\nBTF leaves out a function that is inlined everywhere (it cannot be patched: patch its \
             callers), one whose parameters were optimised away, and a name that functions with \
             different prototypes share\n\
             if it is in /proc/kallsyms, say what it is: \
             `{name}: unsafe extern \"C\" fn(…) -> … => replacement`"
        );
        Error::new(self.function.name.span, words)
    }

    /// BTF has the name with several prototypes.
    fn several(&self, btf: &Btf, known: &[Id]) -> Error {
        let name = &self.function.name.text;
        let list: Vec<String> = known
            .iter()
            .map(|id| declaration::c(btf, *id, name))
            .collect();
        let list = list.join("\n  ");
        self.error(format!(
            "is the name of functions with different prototypes:\n  {list}\n\
             say which: `{name}[position]: unsafe extern \"C\" fn(…) -> … => replacement`"
        ))
    }

    /// The line has no replacement yet: here is what to write.
    fn wanted(&self, btf: &Btf, prototype: Id, signature: &Signature) -> Error {
        let name = &self.function.name.text;
        self.error(format!(
            "has no replacement; the kernel has\n  {};\nso write\n  {} {{ … }}\nand `{name} => {name}`",
            declaration::c(btf, prototype, name),
            signature.head(name),
        ))
    }
}

impl Object {
    /// Whether the author gives every prototype of a module, so that its BTF is not needed.
    fn is_spelled_out(&self) -> bool {
        self.name.text != VMLINUX
            && self
                .functions
                .iter()
                .all(|function| function.prototype.is_some())
    }
}

/// The module `c` of the patch: the kernel's C types by their C names. What the bindings do not
/// have is there too, as a type without visible content.
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

/// The tokens of a type, all with one span.
fn spanned(source: &str, span: Span) -> TokenStream {
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

#[cfg(test)]
mod tests;
