// SPDX-License-Identifier: GPL-2.0

//! Logic that knows no kernel.
//!
//! **Belongs here**: what can be decided from numbers alone, the words of memory that handlers and
//! probes share among it. Every file is compiled for the host as well and tested there
//! (`tests/README.md`).
//!
//! **May use**: `core` and its own files, nothing else. Not the `kernel` crate: its atomics are
//! calls of traceable C helpers, which a handler must not make.
//!
//! **Runs**: in the context of the caller. Nothing here sleeps or allocates.

pub(crate) mod address;
pub(crate) mod backoff;
pub(crate) mod gate;
pub(crate) mod member_set;
pub(crate) mod ranges;
pub(crate) mod targets;
pub(crate) mod unique_queue;
pub(crate) mod versions;
pub(crate) mod word;
