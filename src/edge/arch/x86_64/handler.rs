// SPDX-License-Identifier: GPL-2.0

//! The registers that ftrace saves for its handlers, and the step in assembly of molt's own.

use crate::edge::bindings;
use core::mem::offset_of;
use kernel::ffi;

/// The registers of a call, as ftrace saves them for a handler.
///
/// `struct ftrace_regs` begins with a `pt_regs` on x86 (`struct __arch_ftrace_regs`), whose `ip` a
/// handler with IPMODIFY may set.
#[inline(always)]
pub(in crate::edge) fn registers(fregs: *mut bindings::ftrace_regs) -> *mut bindings::pt_regs {
    fregs.cast()
}

/// Where [`registers`] have the address at which the call goes on.
pub(in crate::edge) const GOES_ON: usize = offset_of!(bindings::pt_regs, ip);

/// Has a call go on at `address`.
///
/// # Safety
///
/// `registers` must be those of a call whose handler is running, and has IPMODIFY.
#[inline(always)]
pub(in crate::edge) unsafe fn go_on_at(registers: *mut bindings::pt_regs, address: usize) {
    // SAFETY: by the requirement.
    unsafe { (*registers).ip = address };
}

/// The second argument of a call.
///
/// # Safety
///
/// `fregs` must be what ftrace gave to a handler that is running, at a function's entry.
pub(in crate::edge) unsafe fn second_argument(fregs: *mut bindings::ftrace_regs) -> ffi::c_ulong {
    // SAFETY: by the requirement. What ftrace saves always has the arguments.
    unsafe { (*registers(fregs)).si }
}

/// `registers.ip = *header.byte_add(table + (offset | gate))`, unless the gate has its sign bit
/// set: then `$closer` runs instead.
///
/// In assembly because the compiler takes four instructions more for it, and this is every call. On
/// x86 the second load is not made before the first, which its address depends on.
///
/// Its caller sees to it that the address is that of a word that may be read, and that the
/// registers may be written.
macro_rules! look_up {
    ($header:expr, $table:expr, $offset:expr, $gate:path, $registers:expr, $closer:block) => {
        core::arch::asm!(
            "or {live:e}, dword ptr [rip + {gate}]",
            "js {closer}",
            "mov {live:r}, qword ptr [{header} + {live:r} + {table}]",
            "mov qword ptr [{registers} + {goes_on}], {live:r}",
            live = inout(reg) $offset => _,
            header = in(reg) $header,
            registers = in(reg) $registers,
            gate = sym $gate,
            table = const $table,
            goes_on = const $crate::edge::arch::handler::GOES_ON,
            closer = label $closer,
            options(nostack),
        )
    };
}

pub(in crate::edge) use look_up;
