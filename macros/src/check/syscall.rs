// SPDX-License-Identifier: GPL-2.0

//! Makes functions of the kernel out of a system call: its entries.
//!
//! A system call with arguments has one entry for each convention, which takes the arguments out of
//! the registers ([`ENTRIES`]). One without arguments has a single body, of which all entries are
//! other names.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, TypeBareFn};

use super::{Checks, Known, Target, Usage};
use crate::arch::{BODY, ENTRIES, REGISTERS};
use crate::nearest::nearest;
use crate::spans::spanned;
use crate::spelling::{Signature, Style};
use crate::syntax::{Function, Name, Object, Syscall};

impl Checks {
    /// Adds the entries of all system calls to the functions of the object.
    pub(super) fn syscalls(&mut self, object: &mut Object, known: &Known<'_>) -> Vec<Error> {
        let mut errors = Vec::new();
        for syscall in std::mem::take(&mut object.syscalls) {
            let body = body(object, &syscall, known);
            let entries = match entries(&syscall, body.as_ref(), known) {
                Ok(entries) => entries,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            self.arguments(&syscall, body);
            for (entry, convention, registers) in entries {
                let wrapper = format_ident!("__molt{entry}");
                let registers = &registers[..syscall.prototype.inputs.len()];
                self.items
                    .extend(wrap(&wrapper, &syscall, convention, registers));
                let function = Function {
                    name: Name {
                        text: entry,
                        span: syscall.name.span,
                    },
                    position: 0,
                    prototype: None,
                    replacement: Some(wrapper.into()),
                    forced: false,
                };
                errors.extend(self.function(object, &function, known).err());
                errors.extend(object.replace(function).err());
            }
        }
        errors
    }

    /// If BTF has the body, its arguments are those of the replacement. The compiler often leaves
    /// it out, having put it into the entries.
    fn arguments(&mut self, syscall: &Syscall, body: Option<Signature>) {
        let Some(signature) = body.filter(|_| !syscall.prototype.inputs.is_empty()) else {
            return;
        };
        let kernel = spanned(&signature.pointer(), syscall.name.span);
        let (inputs, output) = (&syscall.prototype.inputs, &syscall.prototype.output);
        self.items.extend(quote! {
            const _: ::core::option::Option<#kernel> =
                ::core::option::Option::<unsafe extern "C" fn(#inputs) #output>::None;
        });
        self.adopt(signature, syscall.name.span);
    }
}

/// The function that a system call without arguments is, or that the entries of others call.
fn body(object: &Object, syscall: &Syscall, known: &Known<'_>) -> Option<Signature> {
    let name = Name {
        text: format!("{BODY}{}", syscall.name.text),
        span: syscall.name.span,
    };
    let target = Target {
        object,
        name: &name,
        usage: Usage::Called,
    };
    let &[prototype] = known.prototypes(&name.text) else {
        return None;
    };
    known
        .signature(&target, known.btf?, prototype, Style::Qualified)
        .ok()
}

type Entry = (String, &'static str, [&'static str; 6]);

/// The entries that this kernel has.
fn entries(
    syscall: &Syscall,
    body: Option<&Signature>,
    known: &Known<'_>,
) -> Result<Vec<Entry>, Error> {
    let name = &syscall.name;
    let has = |entry: &str| !known.prototypes(entry).is_empty();
    let entries: Vec<Entry> = ENTRIES
        .iter()
        .map(|(prefix, convention, registers)| {
            (format!("{prefix}{}", name.text), *convention, *registers)
        })
        .filter(|(entry, ..)| has(entry))
        .collect();
    // Nothing but the registers is passed on.
    let registers = |signature: &Signature| matches!(&signature.parameters[..], [(_, kind)] if kind == REGISTERS);
    let without = entries.is_empty() && body.is_some_and(registers);
    match (syscall.prototype.inputs.len(), entries.is_empty()) {
        (0, true) if without => Ok(vec![(
            format!("{BODY}{}", name.text),
            "native",
            ENTRIES[0].2,
        )]),
        (_, true) if without => {
            Err(name.error(format!("the system call `{}` has no arguments", name.text)))
        }
        (_, true) => Err(unknown(name, known)),
        (0, false) => Err(name.error(format!(
            "the system call `{}` has arguments: `syscall {}: fn(…) -> c_long => replacement`",
            name.text, name.text
        ))),
        (_, false) => Ok(entries),
    }
}

fn unknown(name: &Name, known: &Known<'_>) -> Error {
    let mut words = format!("the kernel has no system call `{}`", name.text);
    let calls = known.btf.into_iter().flat_map(|btf| btf.functions());
    let calls = calls.filter_map(|(function, _)| {
        [ENTRIES[0].0, BODY]
            .iter()
            .find_map(|prefix| function.strip_prefix(prefix))
    });
    let near = nearest(&name.text, calls);
    if !near.is_empty() {
        words += &format!("\nsimilar names: {}", near.join(", "));
    }
    name.error(words)
}

/// An entry of the patch, which takes the arguments out of the registers as the kernel's does.
fn wrap(name: &Ident, syscall: &Syscall, convention: &str, registers: &[&str]) -> TokenStream {
    let (stated, replacement) = (&syscall.prototype, &syscall.replacement);
    let called = TypeBareFn {
        unsafety: Some(Default::default()),
        ..stated.clone()
    };
    let convention = format_ident!("{convention}");
    let arguments = registers.iter().map(|register| {
        let register = format_ident!("{register}");
        quote!(::molt::__private::Argument::#convention(unsafe { (*registers).#register }))
    });
    // SAFETY (of the expansion): the kernel enters with the registers of the calling task, which
    // are its own until it returns; what the call demands, its author declares with `patch!`.
    quote! {
        #[allow(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc, unused_variables)]
        unsafe extern "C" fn #name(registers: *const c::pt_regs) -> ::kernel::ffi::c_long {
            let stated: #stated = #replacement;
            let called: #called = stated;
            unsafe { called(#(#arguments),*) }
        }
    }
}
