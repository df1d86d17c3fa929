// SPDX-License-Identifier: GPL-2.0

//! Names to addresses and back: kallsyms and the records of ftrace.
//!
//! C header: [`include/linux/kallsyms.h`](srctree/include/linux/kallsyms.h)

use crate::{
    edge::{
        arch::call,
        bindings::{
            self,
            private, //
        }, //
    },
    pure::{
        address::{
            FtraceSite,
            FunctionAddress, //
        },
        ranges::Range, //
    }, //
};
use kernel::{
    alloc::AllocError,
    ffi,
    fmt,
    prelude::*,
    str::{
        CStr,
        CString, //
    }, //
};

/// Which symbol table to search.
#[derive(Clone, Copy)]
pub(crate) enum Table<'a> {
    /// The kernel image.
    Vmlinux,
    /// A loaded module.
    Module(&'a CStr),
}

/// Calls `found` for every symbol whose name is `stem` and exactly one of `suffixes`: with the
/// index of that suffix, and the address. Those of one name come in the order of the symbol table,
/// which `sympos` counts.
///
/// One pass, because the table of a module is searched from end to end, and long names that begin
/// alike are compared once. Process context; takes `module_mutex`.
pub(crate) fn for_each_named<F: FnMut(usize, usize)>(
    table: Table<'_>,
    stem: &CStr,
    suffixes: &[&CStr],
    found: F,
) -> Result<(), AllocError> {
    struct Search<'a, F> {
        stem: &'a CStr,
        suffixes: &'a [&'a CStr],
        found: F,
    }

    /// # Safety
    ///
    /// `data` must be an index and an `F` that nobody else uses during the call.
    unsafe extern "C" fn matched<F: FnMut(usize, usize)>(
        data: *mut ffi::c_void,
        address: usize,
    ) -> ffi::c_int {
        // SAFETY: by the requirement.
        let (index, found) = unsafe { &mut *data.cast::<(usize, F)>() };
        found(*index, address);
        0
    }

    /// # Safety
    ///
    /// `data` must be a `Search<F>` that nobody else uses during the call; `name` must be
    /// terminated.
    unsafe extern "C" fn any<F: FnMut(usize, usize)>(
        data: *mut ffi::c_void,
        name: *const ffi::c_char,
        address: usize,
    ) -> ffi::c_int {
        // SAFETY: by the requirement.
        let search = unsafe { &mut *data.cast::<Search<'_, F>>() };
        // SAFETY: both are terminated, so nothing behind the end of either is read; behind an equal
        // beginning there is the rest of the name.
        let rest = unsafe {
            let length = search.stem.to_bytes().len();
            match bindings::strncmp(name, search.stem.as_char_ptr(), length) {
                0 => name.add(length),
                _ => return 0,
            }
        };
        for (index, suffix) in search.suffixes.iter().enumerate() {
            // SAFETY: the symbol table holds terminated strings.
            if unsafe { is_named(rest, suffix) } {
                (search.found)(index, address);
            }
        }
        0
    }

    match table {
        Table::Vmlinux => {
            let mut search = (0, found);
            for (index, suffix) in suffixes.iter().enumerate() {
                let name =
                    CString::try_from_fmt(fmt!("{}{}", stem, *suffix)).map_err(|_| AllocError)?;
                search.0 = index;
                let data = (&raw mut search).cast();
                // SAFETY: the callback takes this `search`, which outlives the call.
                unsafe {
                    private::kallsyms_on_each_match_symbol(
                        Some(matched::<F>),
                        name.as_char_ptr(),
                        data,
                    )
                };
            }
        }
        Table::Module(module) => {
            let mut search = Search {
                stem,
                suffixes,
                found,
            };
            let data = (&raw mut search).cast();
            // SAFETY: as above.
            unsafe {
                private::module_kallsyms_on_each_symbol(module.as_char_ptr(), Some(any::<F>), data)
            };
        }
    }
    Ok(())
}

/// Whether `name` is `wanted`, found out without looking at all of it first: tables are long.
///
/// # Safety
///
/// `name` must be a terminated string.
pub(in crate::edge) unsafe fn is_named(name: *const ffi::c_char, wanted: &CStr) -> bool {
    // SAFETY: both are terminated.
    unsafe { bindings::strcmp(name, wanted.as_char_ptr()) == 0 }
}

/// Size in bytes of the symbol that starts at `address`: the distance to the next symbol. `None`
/// when no symbol starts there.
pub(crate) fn size_at(address: usize) -> Option<usize> {
    let (mut size, mut offset) = (0, 0);
    // SAFETY: both are valid for writing; any address may be asked for.
    let known = unsafe { private::kallsyms_lookup_size_offset(address, &mut size, &mut offset) };
    (known != 0 && offset == 0 && size != 0).then_some(size)
}

/// The code that `address` is in, as its symbol says; that may be one of BPF's. Any context.
pub(in crate::edge) fn code_at(address: usize) -> Option<Range> {
    let (mut size, mut offset) = (0, 0);
    // SAFETY: both are valid for writing; any address may be asked for, and is looked up under RCU.
    let known = unsafe { private::kallsyms_lookup_size_offset(address, &mut size, &mut offset) };
    (known != 0).then(|| Range::sized(address.wrapping_sub(offset), size))
}

/// The code of a replacement.
///
/// Its size is known: it is a function of a module's symbol table. Were it not, its first byte
/// stands for it, and the whole module's text is checked before it can go.
pub(crate) fn body_at(function: FunctionAddress) -> Range {
    Range::sized(function.0, size_at(function.0).unwrap_or(1))
}

/// The address of the ftrace site of the function that starts at `address`.
pub(crate) fn ftrace_site(address: usize) -> Option<FtraceSite> {
    let last = address.checked_add(call::LAST_SITE)?;
    // SAFETY: any addresses may be asked for.
    let site = unsafe { private::ftrace_location_range(address, last) };
    (site != 0).then_some(FtraceSite(site))
}

/// An address that prints as `function+0xoffset/0xsize [module]`.
pub(crate) struct Symbolic(pub(crate) usize);

impl fmt::Display for Symbolic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; bindings::molt_constants_KSYM_SYMBOL_LEN_ as usize];
        // SAFETY: the buffer has the length that `sprint_symbol` requires.
        let length = unsafe { bindings::sprint_symbol(text.as_mut_ptr().cast(), self.0) };
        let text = text.get(..length.max(0) as usize).unwrap_or_default();
        out.write_str(core::str::from_utf8(text).unwrap_or("?"))
    }
}
