// SPDX-License-Identifier: GPL-2.0

//! Phase 1: from a name to the addresses that are the function.

use crate::{
    api,
    edge::{
        ftrace::CALL_SIZE,
        modules::ModuleRef,
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
    /// Keeps the target module loaded.
    _module: Option<ModuleRef>,
}

impl Function {
    /// Looks `wanted` of `object` up in the running kernel.
    pub(crate) fn resolve(object: &api::Object, wanted: &api::Function) -> Result<Self, Refusal> {
        let (name, place) = (wanted.name(), object.name());
        let module = object.module();
        let pinned = match module {
            None => None,
            Some(module) => Some(ModuleRef::find(module).ok_or_else(|| {
                Refusal::new(
                    Cause::NotFound,
                    fmt!("module {} is not loaded, or not yet", module),
                )
            })?),
        };
        if let Some(why) = refused::reason(module, name) {
            return Err(Refusal::new(
                Cause::Refused,
                fmt!("{}:{}: {}", place, name, why),
            ));
        }
        let table = module.map_or(Table::Vmlinux, Table::Module);
        let address = find(table, object, wanted)?;
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
            _module: pinned,
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

/// Finds the one function that `wanted` names.
fn find(table: Table<'_>, object: &api::Object, wanted: &api::Function) -> Result<usize, Refusal> {
    let (mut count, mut last) = (0, None);
    symbols::for_each_match(table, wanted.name(), |address| {
        count += 1;
        last = Some(address);
        // The wanted one, or the second where there should be one.
        !(count == wanted.sympos() || (wanted.sympos() == 0 && count > 1))
    });
    let (place, name, sympos) = (object.name(), wanted.name(), wanted.sympos());
    match last {
        None => Err(Refusal::new(
            Cause::NotFound,
            fmt!("no function {} in {}", name, place),
        )),
        Some(_) if sympos == 0 && count > 1 => Err(Refusal::new(
            Cause::Ambiguous,
            fmt!(
                "{} has several functions {}; say which with {}[n]",
                place,
                name,
                name
            ),
        )),
        Some(_) if sympos > count => Err(Refusal::new(
            Cause::NotFound,
            fmt!("{} has {} functions {}, not {}", place, count, name, sympos),
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
