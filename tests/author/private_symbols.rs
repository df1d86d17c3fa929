// SPDX-License-Identifier: GPL-2.0

//! Compiles: private functions and variables of the kernel, under their own names and others.

use molt::prelude::*;

patch! {
    description: "A patch",
    license: "GPL",
    vmlinux: {
        version_proc_show => show,
        extern fn nr_processes,
        extern fn kallsyms_lookup_name as lookup: unsafe extern "C" fn(*const c_char) -> c_ulong,
        extern fn "_printk" as print: unsafe extern "C" fn(*const c_char, ...) -> c_int,
        extern static total_forks: c_ulong,
        extern static mut "nr_threads" as threads: c_int,
    },
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    // SAFETY: it is only compiled.
    unsafe {
        print(c"%d".as_ptr().cast(), nr_processes());
        if lookup(c"jiffies".as_ptr().cast()) == total_forks {
            threads = 0;
        }
    }
    0
}
