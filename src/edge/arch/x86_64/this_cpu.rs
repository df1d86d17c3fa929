// SPDX-License-Identifier: GPL-2.0

//! What this CPU knows about itself, read without a call: each of the kernel crate's ways is a
//! traceable C helper, which handler and probes must not call.
//!
//! C header: [`arch/x86/include/asm/percpu.h`](srctree/arch/x86/include/asm/percpu.h)

use crate::edge::bindings;
use core::arch::asm;

/// Reads a word of this CPU's own memory.
macro_rules! read {
    ($variable:path, $type:ty, $modifier:literal) => {{
        let value: $type;
        // SAFETY: a word of that size, which every CPU has, and which may be read at any time.
        unsafe {
            asm!(
                concat!("mov {value", $modifier, "}, gs:[rip + {variable}]"),
                value = out(reg) value,
                variable = sym $variable,
                options(nostack, readonly, preserves_flags)
            );
        }
        value
    }};
}

/// Its number. It stays the same only with preemption off.
pub(in crate::edge) fn number() -> usize {
    read!(bindings::cpu_number, u32, ":e") as usize
}

/// `in_nmi()` of `include/linux/preempt.h`: also true in machine checks, INT3 and debug exceptions.
pub(in crate::edge) fn in_nmi() -> bool {
    // The low half of the preempt count holds all fields of the mask.
    read!(bindings::__preempt_count, u32, ":e") & bindings::molt_constants_NMI_MASK_ != 0
}

/// The address of the calling task. In an interrupt, of the task that was interrupted.
pub(in crate::edge) fn task() -> usize {
    read!(bindings::current_task, usize, "")
}
