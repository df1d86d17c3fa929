// SPDX-License-Identifier: GPL-2.0

//! The `patch!` macro of molt: a live patch is its functions and one list of what they replace.
//!
//! The crate is built twice: by Kbuild for the kernel's own compiler, with the libraries in the
//! kernel's tree, and by Cargo for its unit tests.

mod arch;
mod bindings;
mod btf;
mod check;
mod declaration;
mod elf;
mod expand;
mod module_file;
mod names;
mod nearest;
mod objects;
mod spans;
mod spelling;
mod syntax;

use proc_macro::TokenStream;

/// Declares what a live patch replaces, and makes the crate a kernel module that does so.
///
/// ```ignore
/// patch! {
///     description: "…",
///     author: "…",                                    // optional
///     license: "GPL",
///     replace: true,                                  // optional: supersedes all before it
///     consistency: per_task,                          // optional: else what the operator chose
///     states: [COUNTERS],                             // optional: statics of type `State<T>`
///     vmlinux: {                                      // an object: the kernel or a module
///         cmdline_proc_show => show,                  // function => replacement
///         bar[2] => bar2,                             // the second function of that name
///         force do_loop => my_loop,                   // although tasks may be inside
///         syscall kill: fn(pid: c_int, sig: c_int) -> c_long => my_kill,   // all its entries
///         extern fn helper,                           // not exported, and used by the patch
///         extern static counter: c_int,
///         callbacks { pre_patch: check, post_unpatch: undo },
///     },
///     some_module: { foo => new_foo },
/// }
/// ```
///
/// Every replacement must have exactly the signature of the function it replaces, which is read
/// from the BTF of the kernel that the patch is built for. Leave `=> replacement` out to be told
/// the signature. A function that BTF does not describe is given with its prototype:
/// `foo: unsafe extern "C" fn(c_int) -> c_int => new_foo`.
///
/// The macro also makes the module `c`, with the kernel's C types by their C names, and the module
/// parameter `deadline_ms`. `docs/author-guide.md` explains each line.
///
/// # Examples
///
/// A whole patch, which writes to the open file through the kernel crate's `SeqFile`:
///
/// ```ignore
/// use molt::prelude::*;
///
/// patch! {
///     description: "Shows in /proc/cmdline that the kernel was patched",
///     license: "GPL",
///     vmlinux: { cmdline_proc_show => show },
/// }
///
/// /// Replaces `cmdline_proc_show` of `fs/proc/cmdline.c`.
/// ///
/// /// # Safety
/// ///
/// /// `m` is the open file, used by nobody else during the call.
/// unsafe extern "C" fn show(m: *mut c::seq_file, _v: *mut c_void) -> c_int {
///     // SAFETY: what the caller guarantees.
///     let m = unsafe { SeqFile::from_raw(m) };
///     seq_print!(m, "this kernel has been patched while it ran\n");
///     0
/// }
/// ```
#[proc_macro]
pub fn patch(input: TokenStream) -> TokenStream {
    syn::parse(input)
        .and_then(expand::expand)
        .unwrap_or_else(|error| expand::refuse(&error))
        .into()
}
