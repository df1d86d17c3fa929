// SPDX-License-Identifier: GPL-2.0

//! Why a change was refused: one enumeration for errno, log and sysfs. The errno and the name of a
//! cause are ABI (`docs/abi.md`).

use crate::{
    edge::kernel::errno,
    stacks::blockers::Blockers, //
};
use kernel::{
    fmt,
    prelude::*,
    str::CString, //
};

/// What stood in the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// No such function, or no such loaded module.
    NotFound,
    /// Several functions have the name, and the patch does not say which.
    Ambiguous,
    /// The name has fewer functions than the position that the patch gives.
    Position,
    /// The function has no ftrace site.
    NotTraceable,
    /// molt never patches this function.
    Refused,
    /// Another user owns the function: mainline livepatch, a kprobe, a direct call.
    Owned,
    /// Tasks are inside, or a module is being loaded all the time.
    Busy,
    /// A stack cannot be walked to its end, so nothing is proved.
    Unreliable,
    /// NMI handlers kept using the function.
    Nmi,
    /// Verifying would hold the CPUs for longer than they may be.
    Budget,
    /// A callback of the patch said no.
    Callback,
    /// A patch that replaces all others was enabled after it.
    Superseded,
    /// An enabled patch has changed the system in a way that this one does not know.
    Incompatible,
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
            Self::Position => "position",
            Self::NotTraceable => "not_traceable",
            Self::Refused => "refused",
            Self::Owned => "owned",
            Self::Busy => "busy",
            Self::Unreliable => "unreliable",
            Self::Nmi => "nmi",
            Self::Budget => "budget",
            Self::Callback => "callback",
            Self::Superseded => "superseded",
            Self::Incompatible => "incompatible",
            Self::Cancelled => "cancelled",
            Self::NoMemory => "no_memory",
            Self::Invalid => "invalid",
        }
    }

    /// The error number that `insmod` and a write to `enabled` return, unless the refusal has one
    /// of its own.
    fn errno(self) -> Error {
        errno::error(match self {
            Self::NotFound => errno::ENOENT,
            Self::Ambiguous => errno::ENOTUNIQ,
            Self::Position => errno::ERANGE,
            Self::NotTraceable => errno::EOPNOTSUPP,
            Self::Refused => errno::EPERM,
            Self::Owned | Self::Busy | Self::Unreliable => errno::EBUSY,
            Self::Nmi => errno::EAGAIN,
            Self::Budget => errno::ETIME,
            Self::Callback => errno::ECANCELED,
            Self::Superseded => errno::ESTALE,
            Self::Cancelled => errno::EINTR,
            Self::NoMemory => errno::ENOMEM,
            Self::Incompatible | Self::Invalid => errno::EINVAL,
        })
    }
}

/// A refused change: the cause, what it concerns in words, and which tasks are in the way.
pub(crate) struct Refusal {
    cause: Cause,
    errno: Error,
    words: Option<CString>,
    pub(crate) blockers: Blockers,
}

impl Refusal {
    /// A refusal explained by `words`. Process context; without memory the words are lost.
    pub(crate) fn new(cause: Cause, words: fmt::Arguments<'_>) -> Self {
        Self {
            cause,
            errno: cause.errno(),
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

    /// A refusal for want of memory, which is not spent on words.
    pub(crate) fn no_memory() -> Self {
        Self {
            cause: Cause::NoMemory,
            errno: ENOMEM,
            words: None,
            blockers: Blockers::none(),
        }
    }

    /// A refusal to enable what another patch has taken the place of.
    pub(crate) fn superseded() -> Self {
        Self::new(
            Cause::Superseded,
            fmt!("a patch that replaces all others was enabled after it"),
        )
    }

    /// A refusal by a callback of the patch, with the callback's errno.
    pub(crate) fn by_callback(errno: Error, words: fmt::Arguments<'_>) -> Self {
        Self {
            errno,
            ..Self::new(Cause::Callback, words)
        }
    }

    /// The error number for the requester.
    pub(crate) fn errno(&self) -> Error {
        self.errno
    }
}

/// When to try again what came to nothing. The refusal is for when time is over.
pub(crate) enum Retry {
    /// A little later it may succeed: what is in the way passes.
    Soon(Refusal),
    /// Later; what is in the way lasts a while.
    Later(Refusal),
    /// Trying again would not help.
    Never(Refusal),
}

impl Retry {
    /// The refusal, when nobody can wait.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Soon(refusal) | Self::Later(refusal) | Self::Never(refusal) => refusal,
        }
    }
}

impl From<Refusal> for Retry {
    fn from(refusal: Refusal) -> Self {
        Self::Never(refusal)
    }
}

impl From<kernel::alloc::AllocError> for Retry {
    fn from(error: kernel::alloc::AllocError) -> Self {
        Self::Never(error.into())
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
        Self::no_memory()
    }
}
