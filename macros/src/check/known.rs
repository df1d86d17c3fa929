// SPDX-License-Identifier: GPL-2.0

//! What the BTF of one object knows.

use std::collections::HashMap;

use syn::Result;

use super::target::Target;
use crate::bindings::Bindings;
use crate::btf::{Btf, Id};
use crate::spelling::{self, Signature, Style};

/// The functions of one object, if its BTF is there.
pub(super) struct Known<'k> {
    pub(super) btf: Option<&'k Btf>,
    bindings: &'k Bindings,
    functions: HashMap<&'k str, Vec<Id>>,
}

impl<'k> Known<'k> {
    pub(super) fn new(btf: Option<&'k Btf>, bindings: &'k Bindings) -> Self {
        let mut functions: HashMap<&str, Vec<Id>> = HashMap::new();
        for (name, prototype) in btf.iter().flat_map(|btf| btf.functions()) {
            let prototypes = functions.entry(name).or_default();
            if !prototypes.contains(&prototype) {
                prototypes.push(prototype);
            }
        }
        Known {
            btf,
            bindings,
            functions,
        }
    }

    /// Every prototype that functions of this name have.
    pub(super) fn prototypes(&self, name: &str) -> &[Id] {
        self.functions.get(name).map_or(&[], Vec::as_slice)
    }

    /// The prototype of the target. Without one, the author's word must do.
    pub(super) fn prototype(
        &self,
        target: &Target<'_>,
        stated: bool,
    ) -> Result<Option<(&'k Btf, Id)>> {
        match (self.btf, self.prototypes(&target.name.text)) {
            (Some(btf), &[prototype]) => Ok(Some((btf, prototype))),
            (Some(btf), []) if !stated => Err(target.unknown(btf)),
            (Some(btf), [_, _, ..]) if !stated => {
                Err(target.several(btf, self.prototypes(&target.name.text)))
            }
            _ => Ok(None),
        }
    }

    /// The prototype in Rust.
    pub(super) fn signature(
        &self,
        target: &Target<'_>,
        btf: &Btf,
        prototype: Id,
        style: Style,
    ) -> Result<Signature> {
        spelling::rust(btf, self.bindings, prototype, style)
            .map_err(|reason| target.unusable(&reason, btf, prototype))
    }
}
