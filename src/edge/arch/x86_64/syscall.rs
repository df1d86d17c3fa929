// SPDX-License-Identifier: GPL-2.0

//! How the arguments of a system call come out of the registers, for the entries that `patch!`
//! writes.
//!
//! The rules are those of `arch/x86/include/asm/syscall_wrapper.h`. A program of 64 bits passes
//! each argument in a whole register, of which the kernel takes as much as the argument's type has.
//! One of 32 bits passes 32 bits: the kernel extends them by zeros whatever the type, with one
//! exception, `long`, which is as wide in that program and is extended by its sign.
//!
//! C header:
//! [`arch/x86/include/asm/syscall_wrapper.h`](srctree/arch/x86/include/asm/syscall_wrapper.h)

/// A type that an argument of a system call can have: an integer, or a pointer.
#[diagnostic::on_unimplemented(
    message = "no argument of a system call has the type `{Self}`",
    label = "neither an integer nor a raw pointer"
)]
pub trait Argument: Sized {
    /// Out of a register of a program of 64 bits.
    fn native(register: usize) -> Self;

    /// Out of a register of a program of 32 bits.
    fn compat(register: usize) -> Self;
}

/// What a program of 32 bits passes.
const LOWER: usize = u32::MAX as usize;

macro_rules! zero_extended {
    ($($integer:ty),*) => {$(
        impl Argument for $integer {
            fn native(register: usize) -> Self {
                register as Self
            }

            fn compat(register: usize) -> Self {
                (register & LOWER) as Self
            }
        }
    )*};
}

zero_extended!(u8, i8, u16, i16, u32, i32, u64, i64, usize);

/// `long` of C.
impl Argument for isize {
    fn native(register: usize) -> Self {
        register as Self
    }

    fn compat(register: usize) -> Self {
        register as i32 as Self
    }
}

impl<T> Argument for *const T {
    fn native(register: usize) -> Self {
        register as Self
    }

    fn compat(register: usize) -> Self {
        (register & LOWER) as Self
    }
}

impl<T> Argument for *mut T {
    fn native(register: usize) -> Self {
        register as Self
    }

    fn compat(register: usize) -> Self {
        (register & LOWER) as Self
    }
}
