// SPDX-License-Identifier: GPL-2.0

//! What a patch has to do with the kernel, or with one module.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{braced, token, Error, Result, Token};

use super::{Callbacks, Function, Name, Private, Syscall};
use crate::objects::VMLINUX;

/// The kernel or a module, and what is replaced and used there.
pub(crate) struct Object {
    pub(crate) name: Name,
    pub(crate) functions: Vec<Function>,
    pub(crate) syscalls: Vec<Syscall>,
    pub(crate) privates: Vec<Private>,
    pub(crate) callbacks: Option<Callbacks>,
}

impl Object {
    pub(super) fn parse(name: Name, input: ParseStream<'_>) -> Result<Self> {
        let inner;
        braced!(inner in input);
        let mut object = Object {
            name,
            functions: Vec::new(),
            syscalls: Vec::new(),
            privates: Vec::new(),
            callbacks: None,
        };
        while !inner.is_empty() {
            object.line(&inner)?;
            if !inner.is_empty() {
                inner.parse::<Token![,]>()?;
            }
        }
        if !object.changes_something() && object.privates.is_empty() {
            let words = format!("nothing of `{}` is replaced", object.name.text);
            return Err(object.name.error(words));
        }
        Ok(object)
    }

    /// Whether the object matters by itself, not only for what others use of it.
    pub(crate) fn changes_something(&self) -> bool {
        !self.functions.is_empty() || !self.syscalls.is_empty() || self.callbacks.is_some()
    }

    /// Whether the object is the kernel itself.
    pub(crate) fn is_vmlinux(&self) -> bool {
        self.name.text == VMLINUX
    }

    /// One line. The words that begin some are names like any other where no name follows them.
    fn line(&mut self, input: ParseStream<'_>) -> Result<()> {
        if input.peek(Token![extern]) {
            let private = Private::parse(self, input)?;
            self.privates.push(private);
            return Ok(());
        }
        let Some((word, _)) = input.cursor().ident() else {
            return self.replace(input.parse()?);
        };
        match word.to_string().as_str() {
            "callbacks" if input.peek2(token::Brace) => {
                input.parse::<Ident>()?;
                let callbacks = Callbacks::parse(input)?;
                if self.callbacks.replace(callbacks).is_some() {
                    return Err(Error::new(word.span(), "`callbacks` is given twice"));
                }
                Ok(())
            }
            _ if !Name::follows(input) => self.replace(input.parse()?),
            "force" => {
                input.parse::<Ident>()?;
                self.forced(input)
            }
            "syscall" => {
                input.parse::<Ident>()?;
                let syscall = Syscall::parse(self, input)?;
                self.syscalls.push(syscall);
                Ok(())
            }
            other => Err(Error::new(
                word.span(),
                format!(
                    "`{other}` means nothing before a name; `force`, `syscall`, `extern fn` and \
                     `extern static` do"
                ),
            )),
        }
    }

    /// What may be forced is a function.
    fn forced(&mut self, input: ParseStream<'_>) -> Result<()> {
        let other = match input.cursor().ident() {
            Some((word, _)) if Name::follows(input) => Some(word),
            _ => None,
        };
        if let Some(word) = other {
            let words = match word.to_string().as_str() {
                "syscall" => {
                    "a system call cannot be forced as a whole: force its entries by their \
                              names, `force __x64_sys_…`"
                        .into()
                }
                "force" => "`force` is given twice".into(),
                "extern" => "what is used and not replaced needs no `force`".into(),
                other => format!("`force {other}` means nothing; write `force function => …`"),
            };
            return Err(Error::new(word.span(), words));
        }
        let function: Function = input.parse()?;
        self.replace(Function {
            forced: true,
            ..function
        })
    }

    /// Adds a function, unless it is there already.
    pub(crate) fn replace(&mut self, function: Function) -> Result<()> {
        if let Some(other) = self.functions.iter().find(|other| other.is_same(&function)) {
            return Err(function.twice(other));
        }
        self.functions.push(function);
        Ok(())
    }
}
