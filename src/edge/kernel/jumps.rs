// SPDX-License-Identifier: GPL-2.0

//! Jumps at the entry of functions, by ftrace's direct calls: two instructions instead of a
//! handler.
//!
//! ftrace allows one direct user for each function, and BPF's trampolines are such users; so a
//! function that has a jump cannot have a BPF program that is attached to its entry or exit, and
//! the other way round. Tracers and kprobes can share: with them ftrace calls its list of users,
//! and jumps at its end.
//!
//! C header: [`include/linux/ftrace.h`](srctree/include/linux/ftrace.h)

use crate::{
    edge::{
        arch::this_cpu,
        bindings::{
            self,
            private, //
        }, //
    },
    pure::address::{
        FtraceSite,
        FunctionAddress, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    }, //
};
use kernel::{
    error::to_result,
    ffi,
    prelude::*, //
};

/// The task that arms functions for the core which have jumps already; 0 when none does. Only the
/// holder of the registry does.
static ARMING: AtomicUsize = AtomicUsize::new(0);

/// A function's ftrace site, and where it jumps.
#[derive(Clone, Copy)]
pub(crate) struct Jump {
    pub(crate) site: FtraceSite,
    pub(crate) target: FunctionAddress,
}

/// All jumps of the core: one ops, which ftrace goes through its records for once for each change.
pub(crate) struct Jumps {
    ops: ManuallyDrop<KBox<UnsafeCell<bindings::ftrace_ops>>>,
    /// How many there are; the ops is registered while there are some.
    count: usize,
}

// SAFETY: ftrace serialises what it does with the ops.
unsafe impl Send for Jumps {}

/// Functions and targets as ftrace takes them.
///
/// # Invariants
///
/// The pointer is a hash that this value owns.
struct Hash(*mut bindings::ftrace_hash);

impl Hash {
    fn new(jumps: &[Jump]) -> Result<Self> {
        /// Logarithm of the number of buckets; it is a small list that is walked, not searched.
        const BITS: ffi::c_int = 5;
        /// Tells ftrace to put a jump instead of a call (`ftrace_jmp_set`).
        const JUMP: usize = 1;
        // SAFETY: only allocates.
        let hash = unsafe { private::alloc_ftrace_hash(BITS) };
        if hash.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: allocated just now.
        let hash = Self(hash);
        for jump in jumps {
            // SAFETY: the hash is ours; the entry belongs to it.
            let entry = unsafe {
                private::add_ftrace_hash_entry_direct(hash.0, jump.site.0, jump.target.0 | JUMP)
            };
            if entry.is_null() {
                return Err(ENOMEM);
            }
        }
        Ok(hash)
    }
}

impl Drop for Hash {
    fn drop(&mut self) {
        // SAFETY: ours by the type invariant; ftrace has made copies of what it needs.
        unsafe { private::free_ftrace_hash(self.0) }
    }
}

impl Jumps {
    /// None. Process context.
    pub(crate) fn new() -> Result<Self> {
        let ops = bindings::ftrace_ops {
            ops_func: Some(share),
            // `sysctl kernel.ftrace_enabled=0` must not switch a fix off.
            flags: bindings::FTRACE_OPS_FL_PERMANENT as ffi::c_ulong,
            ..Default::default()
        };
        Ok(Self {
            ops: ManuallyDrop::new(KBox::new(UnsafeCell::new(ops), GFP_KERNEL)?),
            count: 0,
        })
    }

    /// Puts jumps at the entries of functions that have none. Process context.
    ///
    /// # Errors
    ///
    /// No jump has been put then. `EINVAL` when another direct user has one of the functions, which
    /// is what a BPF trampoline is; `ENOMEM`; `ENODEV` when ftrace is disabled.
    pub(crate) fn put(&mut self, jumps: &[Jump]) -> Result {
        let hash = Hash::new(jumps)?;
        // SAFETY: the ops stays where it is until it has been unregistered. Each target is a
        // function that returns to the caller of the site's function, and that stays until its jump
        // has been taken away.
        to_result(unsafe { private::update_ftrace_direct_add(self.ops.get(), hash.0) })?;
        self.count = self.count.saturating_add(jumps.len());
        Ok(())
    }

    /// Takes jumps away that were put, with the same targets. Process context.
    ///
    /// # Errors
    ///
    /// None has been taken away then. `ENOMEM`; `ENODEV` when ftrace is disabled.
    pub(crate) fn take(&mut self, jumps: &[Jump]) -> Result {
        let hash = Hash::new(jumps)?;
        // SAFETY: as for `put`.
        to_result(unsafe { private::update_ftrace_direct_del(self.ops.get(), hash.0) })?;
        self.count = self.count.saturating_sub(jumps.len());
        Ok(())
    }

    /// Calls `arm`, which arms functions that have jumps for a handler of the core beside them.
    pub(crate) fn shared<R>(&self, arm: impl FnOnce() -> R) -> R {
        ARMING.store(this_cpu::task(), Ordering::Relaxed);
        let result = arm();
        ARMING.store(0, Ordering::Relaxed);
        result
    }
}

impl Drop for Jumps {
    fn drop(&mut self) {
        // With jumps left ftrace knows the ops, so it stays. That is when taking them away has
        // failed.
        if self.count == 0 {
            // SAFETY: not registered, and dropped only here.
            unsafe { ManuallyDrop::drop(&mut self.ops) }
        }
    }
}

/// Whether the functions that jump may also have a handler that changes the instruction pointer:
/// only one of the core's own. For others (mainline livepatch) the function is owned.
///
/// # Safety
///
/// None. Called by ftrace under its locks, in the task that registers.
unsafe extern "C" fn share(
    _ops: *mut bindings::ftrace_ops,
    _site: ffi::c_ulong,
    command: bindings::ftrace_ops_cmd,
) -> ffi::c_int {
    match command {
        bindings::ftrace_ops_cmd_FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_PEER
            if ARMING.load(Ordering::Relaxed) != this_cpu::task() =>
        {
            -(bindings::EBUSY as ffi::c_int)
        }
        _ => 0,
    }
}
