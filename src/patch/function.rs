// SPDX-License-Identifier: GPL-2.0

//! Phase 1: from a name to the addresses that are the function.

use crate::{
    api::declaration,
    edge::{
        arch::call,
        kernel::{
            modules::{
                Module,
                ModuleId, //
            },
            symbols::{
                self,
                Table, //
            }, //
        }, //
    },
    error::{
        Cause,
        Refusal, //
    },
    patch::denylist,
    pure::{
        address::{
            FtraceSite,
            FunctionAddress, //
        },
        ranges::Range, //
    }, //
};
use kernel::{
    prelude::*,
    str::CStr, //
};

/// A function of the running kernel that can be redirected.
pub(crate) struct KernelFunction {
    /// Its symbol's address, by which it is told from all others.
    pub(crate) address: FunctionAddress,
    /// Address of its ftrace site.
    pub(crate) site: FtraceSite,
    /// All its code: the body, and its `.cold` parts elsewhere.
    pub(crate) body: KVec<Range>,
    /// The module that it is in; `None` for the image.
    pub(crate) module: Option<ModuleId>,
}

impl KernelFunction {
    /// Looks `wanted` of `object` up in the running kernel. `module` is the object, when it is one;
    /// the caller sees to it that it stays meanwhile.
    pub(crate) fn resolve(
        object: &declaration::Object,
        module: Option<Module>,
        wanted: &declaration::Function,
    ) -> Result<Self, Refusal> {
        let (name, place) = (wanted.name(), object.name());
        if let Some(why) = denylist::reason(object.module(), name) {
            return Err(Refusal::new(
                Cause::Refused,
                fmt!("{}:{}: {}", place, name, why),
            ));
        }
        let table = object.module().map_or(Table::Vmlinux, Table::Module);
        // Code that goes away after the load is not in the table of a module that is loaded; in
        // that of one that comes it must not count either.
        let passing = module.map_or(Range::sized(0, 0), |module| module.init_text);
        let mut namesakes = Namesakes::new(wanted.sympos(), passing);
        // What the compiler moved out of the function as unlikely. Several functions of one name
        // have several such parts, and nothing says whose they are: all count, which can only make
        // busy what is not.
        let (mut parts, mut stored) = (KVec::new(), Ok(()));
        let suffixes = [c"", c".cold"];
        symbols::for_each_named(table, name, &suffixes, |which, address| match which {
            0 => namesakes.see(address),
            _ => stored = stored.and_then(|()| parts.push(address, GFP_KERNEL)),
        })?;
        stored?;
        let address = namesakes.choose(place, name)?;
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
        let mut body = KVec::with_capacity(1 + parts.len(), GFP_KERNEL)?;
        body.push(Range::sized(address, size), GFP_KERNEL)?;
        for part in parts {
            if let Some(size) = symbols::size_at(part) {
                body.push(Range::sized(part, size), GFP_KERNEL)?;
            }
        }
        Ok(Self {
            address: FunctionAddress(address),
            site,
            body,
            module: module.map(|module| module.id),
        })
    }

    /// The code between the function's first instruction and the return address of its site: where
    /// a task stands that was preempted in the trampoline and has chosen its target already.
    pub(crate) fn entry(&self) -> Range {
        Range {
            start: self.address.0,
            end: call::return_address(self.site),
        }
    }
}

/// The address of the one symbol `name` of `place`, apart from those in `except`; `sympos` as in
/// [`declaration::Function::new`].
pub(crate) fn locate(
    table: Table<'_>,
    place: &CStr,
    name: &CStr,
    sympos: u32,
    except: Range,
) -> Result<usize, Refusal> {
    let mut namesakes = Namesakes::new(sympos, except);
    symbols::for_each_named(table, name, &[c""], |_, address| namesakes.see(address))?;
    namesakes.choose(place, name)
}

/// The symbols of one name.
struct Namesakes {
    /// As in [`declaration::Function::new`].
    sympos: u32,
    except: Range,
    count: u32,
    chosen: Option<usize>,
}

impl Namesakes {
    fn new(sympos: u32, except: Range) -> Self {
        Self {
            sympos,
            except,
            count: 0,
            chosen: None,
        }
    }

    /// The next one.
    fn see(&mut self, address: usize) {
        if self.except.holds(address) {
            return;
        }
        self.count += 1;
        if self.count == self.sympos.max(1) {
            self.chosen = Some(address);
        }
    }

    /// The one that is meant, when that is clear.
    fn choose(&self, place: &CStr, name: &CStr) -> Result<usize, Refusal> {
        let Self { sympos, count, .. } = *self;
        match self.chosen {
            Some(_) if sympos == 0 && count > 1 => Err(Refusal::new(
                Cause::Ambiguous,
                fmt!(
                    "{} has several symbols {}; say which with {}[n]",
                    place,
                    name,
                    name
                ),
            )),
            Some(address) => Ok(address),
            None if count == 0 => Err(Refusal::new(
                Cause::NotFound,
                fmt!("no {} in {}", name, place),
            )),
            None => Err(Refusal::new(
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
        }
    }
}
