// SPDX-License-Identifier: GPL-2.0

//! The private symbols of a target module that a patch module uses: livepatch relocations, which
//! the loader leaves for later because the target may not be there (`docs/private-symbols.md`).
//!
//! For modules marked `livepatch` the loader keeps what is needed here (`klp_info`): section
//! headers and the whole symbol table. Only the holder of the core's registry uses it.
//!
//! C header: [`include/linux/livepatch.h`](srctree/include/linux/livepatch.h)

use crate::edge::bindings::{
    self,
    private, //
};
use kernel::{
    error::to_result,
    prelude::*,
    str::CStr,
    ThisModule, //
};

const SECTION: &[u8] = b".klp.rela.";
const SYMBOL: &[u8] = b".klp.sym.";

/// A private symbol of a target module, as a patch module names it.
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a [u8],
    /// As in `patch!`: 0 for a name that is unique.
    pub(crate) sympos: u32,
}

/// What the loader kept of a patch module.
///
/// # Invariants
///
/// Valid for `'static`, because a `ThisModule` is: all pointers stay as they are until the module
/// is freed.
#[derive(Clone, Copy)]
struct Kept {
    module: *mut bindings::module,
    info: *mut bindings::klp_modinfo,
}

impl Kept {
    /// `None` for a module that is not marked `livepatch`: it uses no symbols of other modules.
    fn of(module: &'static ThisModule) -> Option<Self> {
        let module = module.as_ptr();
        // SAFETY: a `ThisModule` is a module that has not been freed; its init has begun, after
        // which the pointer does not change.
        let info = unsafe { (*module).klp_info };
        // INVARIANT: as said.
        (!info.is_null()).then_some(Self { module, info })
    }

    /// Names of sections in the order of their headers.
    fn sections(self) -> impl Iterator<Item = (u32, bool, &'static CStr)> {
        // SAFETY: by the type invariant; the header tells the number of sections, and their names
        // are terminated strings.
        unsafe {
            let Self { info, .. } = self;
            let (headers, names) = ((*info).sechdrs, (*info).secstrings);
            (0..u32::from((*info).hdr.e_shnum)).map(move |index| {
                let header = &*headers.add(index as usize);
                let late = header.sh_flags & u64::from(bindings::SHF_RELA_LIVEPATCH) != 0;
                let name = CStr::from_char_ptr(names.add(header.sh_name as usize));
                (index, late, name)
            })
        }
    }

    /// The indices of the sections with relocations for `object`.
    fn sections_for<'a>(self, object: &'a CStr) -> impl Iterator<Item = u32> + 'a {
        self.sections()
            .filter(move |(_, late, name)| {
                *late && belongs(name.to_bytes(), SECTION, object).is_some()
            })
            .map(|(index, ..)| index)
    }

    /// The names of the symbols that are to be found late.
    fn symbols(self) -> impl Iterator<Item = &'static CStr> {
        // SAFETY: by the type invariant. For a module marked `livepatch` this table is a copy of
        // the whole symbol table, with names of its own.
        unsafe {
            let table = &raw const (*self.module).core_kallsyms;
            let (symbols, names) = ((*table).symtab, (*table).strtab);
            let symbols = core::slice::from_raw_parts(symbols, (*table).num_symtab as usize);
            symbols
                .iter()
                .filter(|symbol| u32::from(symbol.st_shndx) == bindings::SHN_LIVEPATCH)
                .map(move |symbol| CStr::from_char_ptr(names.add(symbol.st_name as usize)))
        }
    }

    fn apply(self, section: u32, object: &CStr) -> Result {
        // SAFETY: by the type invariant; the section is one of the module's. The places are written
        // as the kernel writes text that may run; nobody is in code that uses them (it is not
        // redirected to yet).
        unsafe {
            to_result(private::klp_apply_section_relocs(
                self.module,
                (*self.info).sechdrs,
                (*self.info).secstrings,
                (*self.module).core_kallsyms.strtab,
                (*self.info).symndx,
                section,
                object.as_char_ptr(),
            ))
        }
    }

    fn clear(self, section: u32) {
        // SAFETY: as in `apply`; the section has been applied.
        unsafe {
            private::clear_relocate_add(
                (*self.info).sechdrs,
                (*self.module).core_kallsyms.strtab,
                (*self.info).symndx,
                section,
                self.module,
            );
        }
    }
}

/// Lets `module` use the private symbols of `object`, which is loaded. Process context; takes
/// `text_mutex`.
///
/// # Errors
///
/// `EINVAL` when a symbol is missing or ambiguous (ask [`wanted`] for the names before); nothing
/// has changed then. `ENOEXEC` for a relocation that the kernel does not know, which molt-link lets
/// through none of: places before it in its section stay written.
pub(crate) fn apply(module: &'static ThisModule, object: &CStr) -> Result {
    let Some(kept) = Kept::of(module) else {
        return Ok(());
    };
    for section in kept.sections_for(object) {
        if let Err(error) = kept.apply(section, object) {
            kept.sections_for(object)
                .take_while(|&applied| applied != section)
                .for_each(|applied| kept.clear(applied));
            return Err(error);
        }
    }
    Ok(())
}

/// Undoes [`apply`], so that it can be repeated when `object` has come back at another address.
/// Nobody may be in code of `module` that uses its symbols. Process context.
pub(crate) fn clear(module: &'static ThisModule, object: &CStr) {
    if let Some(kept) = Kept::of(module) {
        kept.sections_for(object)
            .for_each(|section| kept.clear(section));
    }
}

/// The private symbols of `object` that `module` uses.
pub(crate) fn wanted<'a>(
    module: &'static ThisModule,
    object: &'a CStr,
) -> impl Iterator<Item = Wanted<'a>> {
    Kept::of(module)
        .into_iter()
        .flat_map(Kept::symbols)
        .filter_map(move |symbol| {
            let symbol = belongs(symbol.to_bytes(), SYMBOL, object)?;
            let comma = symbol.iter().rposition(|&byte| byte == b',')?;
            let (name, position) = symbol.split_at_checked(comma)?;
            let position = core::str::from_utf8(position.get(1..)?).ok()?;
            Some(Wanted {
                name,
                sympos: position.parse().ok()?,
            })
        })
}

/// What follows `<prefix><object>.` in `name`.
fn belongs<'n>(name: &'n [u8], prefix: &[u8], object: &CStr) -> Option<&'n [u8]> {
    name.strip_prefix(prefix)?
        .strip_prefix(object.to_bytes())?
        .strip_prefix(b".")
}
