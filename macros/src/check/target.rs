// SPDX-License-Identifier: GPL-2.0

//! What to say of a function that is not as the author thinks.

use syn::Error;

use crate::btf::{Btf, Id};
use crate::declaration;
use crate::nearest::nearest;
use crate::spelling::Signature;
use crate::syntax::{Name, Object};

/// What the patch does with the function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Replaced,
    Called,
}

/// A function that a line of the patch names.
pub(super) struct Target<'p> {
    pub(super) object: &'p Object,
    pub(super) name: &'p Name,
    pub(super) usage: Usage,
}

impl Target<'_> {
    pub(super) fn error(&self, words: &str) -> Error {
        self.name.error(format!("`{}` {words}", self.name.text))
    }

    /// The line with a prototype, to be completed.
    fn stated(&self, position: &str) -> String {
        let name = &self.name.text;
        match self.usage {
            Usage::Replaced => {
                format!("`{name}{position}: unsafe extern \"C\" fn(…) -> … => replacement`")
            }
            Usage::Called => {
                format!("`extern fn {name}{position}: unsafe extern \"C\" fn(…) -> …`")
            }
        }
    }

    /// BTF does not have the function.
    pub(super) fn unknown(&self, btf: &Btf) -> Error {
        let (object, name) = (&self.object.name.text, &self.name.text);
        let mut words = format!("{object} has no function `{name}` in its BTF");
        let near = nearest(name, btf.functions().map(|(name, _)| name));
        if !near.is_empty() {
            words += &format!("\nsimilar names: {}", near.join(", "));
        }
        let inlined = match self.usage {
            Usage::Replaced => "it cannot be patched: patch its callers",
            Usage::Called => "it does not exist by itself",
        };
        words += &format!(
            "\nBTF leaves out a function that is inlined everywhere ({inlined}), one whose \
             parameters were optimised away, and a name that functions with different prototypes \
             share\n\
             if it is in /proc/kallsyms, say what it is: {}",
            self.stated("")
        );
        self.name.error(words)
    }

    /// BTF has the name with several prototypes.
    pub(super) fn several(&self, btf: &Btf, known: &[Id]) -> Error {
        let name = &self.name.text;
        let list: Vec<String> = known
            .iter()
            .map(|id| declaration::c(btf, *id, name))
            .collect();
        self.error(&format!(
            "is the name of functions with different prototypes:\n  {}\nsay which: {}",
            list.join("\n  "),
            self.stated("[position]")
        ))
    }

    /// Rust cannot have the function.
    pub(super) fn unusable(&self, reason: &str, btf: &Btf, prototype: Id) -> Error {
        let c = declaration::c(btf, prototype, &self.name.text);
        self.error(&format!("{reason}\nthe kernel has `{c}`"))
    }

    /// The line has no replacement yet: here is what to write.
    pub(super) fn wanted(&self, btf: &Btf, prototype: Id, signature: &Signature) -> Error {
        let name = &self.name.text;
        self.error(&format!(
            "has no replacement; the kernel has\n  {};\nso write\n  {} {{ … }}\nand `{name} => {name}`",
            declaration::c(btf, prototype, name),
            signature.head(name),
        ))
    }
}
