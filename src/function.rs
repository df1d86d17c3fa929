// SPDX-License-Identifier: GPL-2.0

//! Phase 1: from a name to the addresses that are the function.

use crate::{
    api,
    edge::{
        handler::CALL_SIZE,
        modules::{Module, ModuleId},
        symbols::{self, Table},
    },
    error::{Cause, Refusal},
    ranges::Range,
    refused,
};
use kernel::{prelude::*, str::CStr, str::CString};

/// A function of the running kernel that can be redirected.
pub(crate) struct Function {
    /// Its symbol's address, by which it is told from all others.
    pub(crate) address: usize,
    /// Address of its ftrace site.
    pub(crate) site: usize,
    /// All its code: the body, and its `.cold` parts elsewhere.
    pub(crate) body: KVec<Range>,
    /// The module that it is in; `None` for the image.
    pub(crate) module: Option<ModuleId>,
}

impl Function {
    /// Looks `wanted` of `object` up in the running kernel. `module` is the object, when it is one;
    /// the caller sees to it that it stays meanwhile.
    pub(crate) fn resolve(
        object: &api::Object,
        module: Option<Module>,
        wanted: &api::Function,
    ) -> Result<Self, Refusal> {
        let (name, place) = (wanted.name(), object.name());
        if let Some(why) = refused::reason(object.module(), name) {
            return Err(Refusal::new(
                Cause::Refused,
                fmt!("{}:{}: {}", place, name, why),
            ));
        }
        let table = object.module().map_or(Table::Vmlinux, Table::Module);
        // Code that goes away after the load is not in the table of a module that is loaded; in that
        // of one that comes it must not count either.
        let passing = module.map_or(Range::sized(0, 0), |module| module.init_text);
        let address = locate(table, place, name, wanted.sympos(), passing)?;
        let (Some(size), Some(site)) = (symbols::size_at(address), symbols::ftrace_site(address))
        else {
            return Err(Refusal::new(
                Cause::NotTraceable,
                fmt!(
                    "{}:{} has no ftrace site, so its calls cannot be redirected",
                    place,
                    name
                ),
            ));
        };
        let mut body = KVec::new();
        body.push(Range::sized(address, size), GFP_KERNEL)?;
        cold_parts(table, name, &mut body)?;
        Ok(Self {
            address,
            site,
            body,
            module: module.map(|module| module.id),
        })
    }

    /// The code between the function's first instruction and the return address of its site: where
    /// a task stands that was preempted in the trampoline and has chosen its target already.
    pub(crate) fn entry(&self) -> Range {
        Range {
            start: self.address,
            end: self.site.saturating_add(CALL_SIZE),
        }
    }
}

/// The address of the one symbol `name` of `place`, apart from those in `except`; `sympos` as in
/// [`api::Function::new`].
pub(crate) fn locate(
    table: Table<'_>,
    place: &CStr,
    name: &CStr,
    sympos: u32,
    except: Range,
) -> Result<usize, Refusal> {
    let (mut count, mut last) = (0, None);
    symbols::for_each_match(table, name, |address| {
        if except.holds(address) {
            return true;
        }
        count += 1;
        last = Some(address);
        // The wanted one, or the second where there should be one.
        !(count == sympos || (sympos == 0 && count > 1))
    });
    match last {
        None => Err(Refusal::new(
            Cause::NotFound,
            fmt!("no {} in {}", name, place),
        )),
        Some(_) if sympos == 0 && count > 1 => Err(Refusal::new(
            Cause::Ambiguous,
            fmt!(
                "{} has several symbols {}; say which with {}[n]",
                place,
                name,
                name
            ),
        )),
        Some(_) if sympos > count => Err(Refusal::new(
            Cause::Position,
            fmt!(
                "{} has {} symbols {}, there is no {}[{}]",
                place,
                count,
                name,
                name,
                sympos
            ),
        )),
        Some(address) => Ok(address),
    }
}

/// Adds what the compiler moved out of the function as unlikely, under `<name>.cold`.
///
/// Several functions of one name have several such parts, and nothing says whose they are: all
/// count, which can only make busy what is not.
fn cold_parts(table: Table<'_>, name: &CStr, body: &mut KVec<Range>) -> Result<(), Refusal> {
    let cold = CString::try_from_fmt(fmt!("{}.cold", name)).map_err(|_| {
        Refusal::new(
            Cause::NoMemory,
            fmt!("while looking for the parts of {}", name),
        )
    })?;
    let mut stored = Ok(());
    symbols::for_each_match(table, &cold, |address| {
        if let Some(size) = symbols::size_at(address) {
            stored = body.push(Range::sized(address, size), GFP_KERNEL);
        }
        stored.is_ok()
    });
    Ok(stored?)
}
