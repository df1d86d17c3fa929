// SPDX-License-Identifier: GPL-2.0

//! The kernel's C items: all of `kernel::bindings`, and the few it lacks.
//!
//! Only edge files use this module. [`private`] holds what the kernel does not export; the calls
//! are direct, resolved by the module loader through klp relocations, never made through a pointer:
//! on a CPU with indirect branch tracking most of these functions have their ENDBR sealed.

pub(crate) use generated::*;
pub(crate) use kernel::bindings::*;

use kernel::ffi;

/// One more than the highest number that a CPU can have.
pub(crate) fn possible_cpus() -> usize {
    // SAFETY: set at boot.
    unsafe { nr_cpu_ids as usize }
}

/// Written by bindgen; it takes the types that both know from `kernel::bindings`.
#[allow(
    missing_docs,
    dead_code,
    improper_ctypes,
    non_camel_case_types,
    non_upper_case_globals,
    unreachable_pub,
    clippy::all,
    reason = "generated"
)]
mod generated {
    use kernel::{
        bindings::*,
        ffi, //
    };

    include!("bindings_generated.rs");
}

/// Kernel functions without an EXPORT_SYMBOL, bound by `.klp.sym` names.
pub(crate) mod private {
    use super::*;

    #[allow(
        improper_ctypes,
        reason = "as bindgen's own declarations of these types"
    )]
    unsafe extern "C" {
        #[link_name = ".klp.sym.vmlinux.kallsyms_on_each_match_symbol,0"]
        pub(crate) fn kallsyms_on_each_match_symbol(
            callback: Option<unsafe extern "C" fn(*mut ffi::c_void, ffi::c_ulong) -> ffi::c_int>,
            name: *const ffi::c_char,
            data: *mut ffi::c_void,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.module_kallsyms_on_each_symbol,0"]
        pub(crate) fn module_kallsyms_on_each_symbol(
            module: *const ffi::c_char,
            callback: Option<
                unsafe extern "C" fn(
                    *mut ffi::c_void,
                    *const ffi::c_char,
                    ffi::c_ulong,
                ) -> ffi::c_int,
            >,
            data: *mut ffi::c_void,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.kallsyms_lookup_size_offset,0"]
        pub(crate) fn kallsyms_lookup_size_offset(
            address: ffi::c_ulong,
            size: *mut ffi::c_ulong,
            offset: *mut ffi::c_ulong,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.ftrace_location_range,0"]
        pub(crate) fn ftrace_location_range(start: ffi::c_ulong, end: ffi::c_ulong)
            -> ffi::c_ulong;

        #[link_name = ".klp.sym.vmlinux.is_bpf_text_address,0"]
        pub(crate) fn is_bpf_text_address(address: ffi::c_ulong) -> bool;

        #[link_name = ".klp.sym.vmlinux.alloc_ftrace_hash,0"]
        pub(crate) fn alloc_ftrace_hash(size_bits: ffi::c_int) -> *mut ftrace_hash;

        #[link_name = ".klp.sym.vmlinux.free_ftrace_hash,0"]
        pub(crate) fn free_ftrace_hash(hash: *mut ftrace_hash);

        #[link_name = ".klp.sym.vmlinux.add_ftrace_hash_entry_direct,0"]
        pub(crate) fn add_ftrace_hash_entry_direct(
            hash: *mut ftrace_hash,
            ip: ffi::c_ulong,
            direct: ffi::c_ulong,
        ) -> *mut ftrace_func_entry;

        #[link_name = ".klp.sym.vmlinux.update_ftrace_direct_add,0"]
        pub(crate) fn update_ftrace_direct_add(
            ops: *mut ftrace_ops,
            hash: *mut ftrace_hash,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.update_ftrace_direct_del,0"]
        pub(crate) fn update_ftrace_direct_del(
            ops: *mut ftrace_ops,
            hash: *mut ftrace_hash,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.find_module,0"]
        pub(crate) fn find_module(name: *const ffi::c_char) -> *mut module;

        #[link_name = ".klp.sym.vmlinux.idle_task,0"]
        pub(crate) fn idle_task(cpu: ffi::c_int) -> *mut task_struct;

        #[link_name = ".klp.sym.vmlinux.task_call_func,0"]
        pub(crate) fn task_call_func(
            task: *mut task_struct,
            function: task_call_f,
            data: *mut ffi::c_void,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.task_work_cancel,0"]
        pub(crate) fn task_work_cancel(task: *mut task_struct, work: *mut callback_head) -> bool;

        #[link_name = ".klp.sym.vmlinux.wake_up_state,0"]
        pub(crate) fn wake_up_state(task: *mut task_struct, state: ffi::c_uint) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.put_task_stack,0"]
        pub(crate) fn put_task_stack(task: *mut task_struct);

        #[link_name = ".klp.sym.vmlinux.klp_apply_section_relocs,0"]
        pub(crate) fn klp_apply_section_relocs(
            patch: *mut module,
            sections: *mut Elf64_Shdr,
            section_names: *const ffi::c_char,
            symbol_names: *const ffi::c_char,
            symbols: ffi::c_uint,
            section: ffi::c_uint,
            object: *const ffi::c_char,
        ) -> ffi::c_int;

        #[link_name = ".klp.sym.vmlinux.clear_relocate_add,0"]
        pub(crate) fn clear_relocate_add(
            sections: *mut Elf64_Shdr,
            symbol_names: *const ffi::c_char,
            symbols: ffi::c_uint,
            section: ffi::c_uint,
            patch: *mut module,
        );
    }
}
