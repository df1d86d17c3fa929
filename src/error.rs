// SPDX-License-Identifier: GPL-2.0

//! Why a change was refused: one enumeration for errno, log and sysfs. The errno and the name of a
//! cause are ABI (`docs/abi.md`).

use crate::blockers::Blockers;
use kernel::{fmt, prelude::*, str::CString};

/// What stood in the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// No such function, or no such loaded module.
    NotFound,
    /// Several functions have the name, and the patch does not say which.
    Ambiguous,
    /// The function has no ftrace site.
    NotTraceable,
    /// molt never patches this function.
    Refused,
    /// Another user owns the function: mainline livepatch, a kprobe, a direct call.
    Owned,
    /// Tasks are inside.
    Busy,
    /// A stack cannot be walked to its end, so nothing is proved.
    Unreliable,
    /// NMI handlers kept using the function.
    Nmi,
    /// The requester was killed.
    Cancelled,
    /// No memory.
    NoMemory,
    /// The request makes no sense: garbage, or a malformed patch.
    Invalid,
}

impl Cause {
    /// The name in `last_error` and in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::NotTraceable => "not_traceable",
            Self::Refused => "refused",
            Self::Owned => "owned",
            Self::Busy => "busy",
            Self::Unreliable => "unreliable",
            Self::Nmi => "nmi",
            Self::Cancelled => "cancelled",
            Self::NoMemory => "no_memory",
            Self::Invalid => "invalid",
        }
    }

    /// The error number that `insmod` and a write to `enabled` return.
    pub(crate) fn errno(self) -> Error {
        match self {
            Self::NotFound => ENOENT,
            Self::Ambiguous => ENOTUNIQ,
            Self::NotTraceable => EOPNOTSUPP,
            Self::Refused => EPERM,
            Self::Owned | Self::Busy | Self::Unreliable => EBUSY,
            Self::Nmi => EAGAIN,
            Self::Cancelled => EINTR,
            Self::NoMemory => ENOMEM,
            Self::Invalid => EINVAL,
        }
    }
}

/// A refused change: the cause, what it concerns in words, and who is in the way.
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    words: Option<CString>,
    pub(crate) blockers: Blockers,
}

impl Refusal {
    /// A refusal explained by `words`. Process context; without memory the words are lost.
    pub(crate) fn new(cause: Cause, words: fmt::Arguments<'_>) -> Self {
        Self {
            cause,
            words: CString::try_from_fmt(words).ok(),
            blockers: Blockers::none(),
        }
    }

    /// A refusal because of `blockers`.
    pub(crate) fn blocked(cause: Cause, words: fmt::Arguments<'_>, blockers: Blockers) -> Self {
        Self {
            blockers,
            ..Self::new(cause, words)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.cause.name())?;
        match &self.words {
            Some(words) => out.write_fmt(fmt!(": {}", &**words)),
            None => Ok(()),
        }
    }
}

impl From<kernel::alloc::AllocError> for Refusal {
    fn from(_: kernel::alloc::AllocError) -> Self {
        Self {
            cause: Cause::NoMemory,
            words: None,
            blockers: Blockers::none(),
        }
    }
}
