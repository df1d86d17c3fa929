// SPDX-License-Identifier: GPL-2.0

//! Functions of this instruction set that are never patched. Pure: also compiled for the host's
//! tests.

use core::ffi::CStr;

/// Where the idle tasks of CPUs that are off stay (`arch/x86/kernel/smpboot.c`, `drivers/idle`),
/// which nobody can look at, and where those of all CPUs begin.
pub(crate) const IDLE: &[&CStr] = &[
    c"start_secondary",
    c"arch_cpu_idle_dead",
    c"play_dead",
    c"native_play_dead",
    c"play_dead_common",
    c"hlt_play_dead",
    c"mwait_play_dead",
    c"mwait_play_dead_cpuid_hint",
    c"acpi_processor_ffh_play_dead",
    c"intel_idle_enter_dead",
];

/// What the verdict on a stack rests on (`arch/x86/kernel/unwind_orc.c` and what it calls): with a
/// wrong replacement of one of these the next change would be made on a false proof.
pub(crate) const UNWINDER: &[&CStr] = &[
    c"__unwind_start",
    c"unwind_next_frame",
    c"get_stack_info",
    c"stack_access_ok",
];
