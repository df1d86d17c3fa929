// SPDX-License-Identifier: GPL-2.0

//! What a patch begins with: `use molt::prelude::*;`.

pub use crate::{
    api::target::Target,
    edge::{
        klp::shadow::Shadow,
        mechanism::state::{
            Previous,
            State, //
        }, //
    }, //
};
pub use core::ffi::c_void;
pub use kernel::{
    ffi::{
        c_char,
        c_int,
        c_long,
        c_uint,
        c_ulong, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::Arc, //
};
pub use molt_macros::patch;
