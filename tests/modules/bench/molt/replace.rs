// SPDX-License-Identifier: GPL-2.0

//! `replace! { DESCRIPTION; FUNCTION => NAME VALUE, … }` is a patch of functions of
//! `bench_target.ko`: each is replaced by a function of that name that returns the value. Where no
//! value is given, the name is that of a replacement which exists.

macro_rules! replace {
    ($description:tt; $($function:ident => $name:ident $($value:literal)?,)*) => {
        patch! {
            description: $description,
            license: "GPL",
            bench_target: {
                $($function: unsafe extern "C" fn() -> c_int => $name),*
            },
        }

        $($(
            /// Says by its number that it ran.
            extern "C" fn $name() -> c_int {
                $value
            }
        )?)*
    };
}
pub(crate) use replace;
