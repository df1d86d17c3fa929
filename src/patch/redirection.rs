// SPDX-License-Identifier: GPL-2.0

//! The ways in which a patch can be asked to redirect calls.

use crate::pure::word::Word;

/// How calls of a patch's functions are to be redirected, while nothing changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirection {
    /// By a handler that ftrace calls: other users of the function can have it, too.
    Ftrace,
    /// By a jump at the function's entry.
    Direct,
    /// By a jump as long as no BPF program wants the function, else by the handler.
    Auto,
}

impl Word for Redirection {
    const ALL: &'static [Self] = &[Self::Ftrace, Self::Direct, Self::Auto];

    fn name(self) -> &'static str {
        match self {
            Self::Ftrace => "ftrace",
            Self::Direct => "direct",
            Self::Auto => "auto",
        }
    }
}
