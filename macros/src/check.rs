// SPDX-License-Identifier: GPL-2.0

//! The compile-time check: what the kernel says of a function, put into Rust's type system.

mod known;
mod private;
mod syscall;
mod target;
mod types;

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned, ToTokens};
use syn::{Error, Path, Result};

use self::known::Known;
use self::target::{Target, Usage};
pub(crate) use self::types::types;
use crate::bindings::Bindings;
use crate::btf::{Btf, Id};
use crate::objects::Kernel;
use crate::spans::spanned;
use crate::spelling::{Signature, Style};
use crate::syntax::{Function, Kind, Object, Patch};

/// What the patch needs besides its table.
#[derive(Default)]
pub(crate) struct Checks {
    /// Items that compile only if every replacement has the signature of what it replaces; the
    /// private symbols that the patch uses; the entries of the system calls that it replaces.
    pub(crate) items: TokenStream,
    /// Types that occur in a signature and not in the kernel's bindings.
    pub(crate) opaque: BTreeSet<String>,
}

/// Compares every replacement with the kernel; all errors are reported together.
///
/// The system calls of the patch become functions of it: the entries that this kernel has.
pub(crate) fn check(patch: &mut Patch, kernel: &Kernel) -> Result<Checks> {
    let bindings = kernel
        .bindings()
        .map_err(|message| Error::new(Span::call_site(), message))?;
    let mut checks = Checks::default();
    let mut errors: Option<Error> = None;
    for object in &mut patch.objects {
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
    fn object(&mut self, object: &mut Object, kernel: &Kernel, bindings: &Bindings) -> Vec<Error> {
        let btf = match kernel.object(&object.name.text) {
            Ok(btf) => Some(btf),
            // A module that is not there at build time: then every prototype must be given.
            Err(_) if object.is_spelled_out() => None,
            Err(error) => return vec![Error::new(object.name.span, error)],
        };
        let known = Known::new(btf.as_deref(), bindings);
        let mut errors = Vec::new();
        // The entries of system calls are right by themselves.
        for function in &object.functions {
            errors.extend(self.function(object, function, &known).err());
        }
        for private in &object.privates {
            errors.extend(self.private(object, private, &known).err());
        }
        errors.extend(self.syscalls(object, &known));
        errors
    }

    fn function(&mut self, object: &Object, function: &Function, known: &Known<'_>) -> Result<()> {
        let target = Target {
            object,
            name: &function.name,
            usage: Usage::Replaced,
        };
        let prototype = known.prototype(&target, function.prototype.is_some())?;
        if let Some((btf, prototype)) = prototype {
            self.known(&target, function, btf, prototype, known)?;
        }
        let Some(replacement) = &function.replacement else {
            return Err(target.error("has no replacement"));
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
        function: &Function,
        btf: &Btf,
        prototype: Id,
        known: &Known<'_>,
    ) -> Result<()> {
        let spell = |style| {
            let signature = known.signature(target, btf, prototype, style)?;
            if signature.variadic {
                let reason = "takes a variable number of arguments, which Rust cannot define";
                return Err(target.unusable(reason, btf, prototype));
            }
            Ok(signature)
        };
        let Some(replacement) = &function.replacement else {
            return Err(target.wanted(btf, prototype, &spell(Style::Author)?));
        };
        let signature = spell(Style::Qualified)?;
        self.compare(
            &spanned(&signature.pointer(), target.name.span),
            replacement,
        );
        self.adopt(signature, target.name.span);
        Ok(())
    }

    /// Adds what a signature needs to be right.
    fn adopt(&mut self, signature: Signature, span: Span) {
        for (path, size) in &signature.sizes {
            let (path, size) = (spanned(path, span), *size as usize);
            let message = format!("{path} has not the size that the kernel gives it");
            self.items.extend(quote_spanned! {span=>
                const _: () = ::core::assert!(::core::mem::size_of::<#path>() == #size, #message);
            });
        }
        self.opaque.extend(signature.opaque);
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

impl Object {
    /// Whether the author gives every prototype of a module, so that its BTF is not needed.
    fn is_spelled_out(&self) -> bool {
        let functions = self.functions.iter().map(|function| &function.prototype);
        let privates = self
            .privates
            .iter()
            .filter_map(|private| match &private.kind {
                Kind::Function(prototype) => Some(prototype),
                Kind::Static { .. } => None,
            });
        !self.is_vmlinux() && functions.chain(privates).all(Option::is_some)
    }
}

#[cfg(test)]
mod tests;
