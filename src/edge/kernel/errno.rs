// SPDX-License-Identifier: GPL-2.0

//! Error numbers. `kernel::error` has names for most, but not for the same ones in every release.
//!
//! C header: [`include/uapi/asm-generic/errno.h`](srctree/include/uapi/asm-generic/errno.h)

pub(crate) use crate::edge::bindings::{
    EAGAIN,
    EBUSY,
    ECANCELED,
    EINTR,
    EINVAL,
    ENOENT,
    ENOMEM,
    ENOTUNIQ,
    EOPNOTSUPP,
    EPERM,
    ERANGE,
    ESTALE,
    ETIME, //
};
use kernel::{
    error::Error,
    ffi, //
};

/// The error of that number.
pub(crate) fn error(number: u32) -> Error {
    Error::from_errno(-(number as ffi::c_int))
}
