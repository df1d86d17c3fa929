// SPDX-License-Identifier: GPL-2.0

//! A line that replaces a system call.

use syn::parse::ParseStream;
use syn::{token, Path, Result, Token, TypeBareFn};

use super::function::replacement;
use super::{Name, Object};

/// How many arguments a system call can have: as many as there are registers for them.
const ARGUMENTS: usize = 6;

/// One line: `syscall name: fn(arguments) -> c_long => replacement`.
pub(crate) struct Syscall {
    pub(crate) name: Name,
    /// The type of the replacement: a function of Rust.
    pub(crate) prototype: TypeBareFn,
    pub(crate) replacement: Path,
}

impl Syscall {
    pub(super) fn parse(object: &Object, input: ParseStream<'_>) -> Result<Self> {
        let name: Name = input.parse()?;
        let show = format!("`syscall {}: fn(…) -> c_long => replacement`", name.text);
        if !object.is_vmlinux() {
            return Err(name.error("modules have no system calls: they are in `vmlinux`"));
        }
        if syn::parse_str::<syn::Ident>(&format!("_{}", name.text)).is_err() {
            return Err(name.error("a system call is named as after `__x64_sys_`"));
        }
        if input.peek(token::Bracket) {
            return Err(input.error("the entries of a system call have no position"));
        }
        if !input.peek(Token![:]) {
            let words = format!("the arguments of the system call are missing: {show}");
            return Err(name.error(words));
        }
        input.parse::<Token![:]>()?;
        let prototype: TypeBareFn = input.parse()?;
        if prototype.abi.is_some() || prototype.variadic.is_some() {
            return Err(syn::Error::new_spanned(
                &prototype,
                format!("a system call is replaced by a function of Rust: {show}"),
            ));
        }
        if prototype.inputs.len() > ARGUMENTS {
            let words = format!("a system call has no more than {ARGUMENTS} arguments");
            return Err(syn::Error::new_spanned(&prototype.inputs, words));
        }
        let Some(replacement) = replacement(input)? else {
            let words = format!("`{}` has no replacement: {show}", name.text);
            return Err(name.error(words));
        };
        Ok(Syscall {
            name,
            prototype,
            replacement,
        })
    }
}
