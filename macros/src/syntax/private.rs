// SPDX-License-Identifier: GPL-2.0

//! A line that makes something of an object usable that is not exported.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Result, Token, Type, TypeBareFn};

use super::function::prototype;
use super::name::{position, Name};
use super::Object;

/// The longest name of an object that the kernel reads out of a symbol, `klp_resolve_symbols()`.
const OBJECT_MAX: usize = 55;

/// One line: `extern fn name[position] as local: prototype`, or `extern static …: type`.
pub(crate) struct Private {
    pub(crate) name: Name,
    /// Which of several symbols of that name, counted from 1; 0 says that there is only one.
    pub(crate) position: u32,
    /// What the patch calls it.
    pub(crate) local: Ident,
    pub(crate) kind: Kind,
}

/// What it is.
pub(crate) enum Kind {
    /// A function, with the author's word for what BTF does not say.
    Function(Option<TypeBareFn>),
    /// A variable of a type that nobody checks.
    Static { mutable: bool, kind: Type },
}

impl Private {
    pub(super) fn parse(object: &Object, input: ParseStream<'_>) -> Result<Self> {
        input.parse::<Token![extern]>()?;
        let function = if input.peek(Token![fn]) {
            input.parse::<Token![fn]>()?;
            true
        } else if input.peek(Token![static]) {
            input.parse::<Token![static]>()?;
            false
        } else {
            let words =
                "`extern` stands before `fn name`, `static name: type` or `static mut name: type`";
            return Err(input.error(words));
        };
        let mutable = !function && input.parse::<Option<Token![mut]>>()?.is_some();
        let name: Name = input.parse()?;
        resolvable(object, &name)?;
        let position = position(input)?;
        let local = local(&name, input)?;
        if input.peek(Token![=>]) {
            return Err(input.error("what is `extern` is used as it is; it is not replaced"));
        }
        let stated = input.parse::<Option<Token![:]>>()?.is_some();
        let kind = match (function, stated) {
            (true, true) => Kind::Function(Some(prototype(input)?)),
            (true, false) => Kind::Function(None),
            (false, true) => Kind::Static {
                mutable,
                kind: input.parse()?,
            },
            (false, false) => {
                let words = format!("the type of `{0}` is missing: `{0}: type`", name.text);
                return Err(name.error(words));
            }
        };
        Ok(Private {
            name,
            position,
            local,
            kind,
        })
    }

    /// The symbol that `molt-link` hands over to the kernel.
    pub(crate) fn symbol(&self, object: &Object) -> String {
        let (object, name, position) = (&object.name.text, &self.name.text, self.position);
        format!(".klp.sym.{object}.{name},{position}")
    }
}

/// Whether the kernel can take the symbol's name apart.
fn resolvable(object: &Object, name: &Name) -> Result<()> {
    let of = &object.name.text;
    if of.contains('.') || of.len() > OBJECT_MAX {
        return Err(object.name.error(format!(
            "the kernel cannot find private symbols of an object named `{of}`"
        )));
    }
    if name.text.contains(',') {
        return Err(name.error("the kernel cannot find a private symbol with a comma in its name"));
    }
    Ok(())
}

/// `as local`; without it the name itself, if Rust can have it.
fn local(name: &Name, input: ParseStream<'_>) -> Result<Ident> {
    if input.parse::<Option<Token![as]>>()?.is_some() {
        return input.parse();
    }
    match syn::parse_str::<Ident>(&name.text) {
        Ok(_) => Ok(Ident::new(&name.text, name.span)),
        Err(_) => Err(name.error(format!(
            "`{}` is no name in Rust; give it one: `as local_name`",
            name.text
        ))),
    }
}

/// Refuses what would be one name for two things.
pub(super) fn all_different(objects: &[Object]) -> Result<()> {
    let mut seen: Vec<&Ident> = Vec::new();
    for private in objects.iter().flat_map(|object| &object.privates) {
        if seen
            .iter()
            .any(|other| other.unraw() == private.local.unraw())
        {
            return Err(Error::new(
                private.local.span(),
                format!(
                    "two private symbols are called `{}`; give one of them another name: `as other`",
                    private.local
                ),
            ));
        }
        seen.push(&private.local);
    }
    Ok(())
}
