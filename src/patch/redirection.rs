// SPDX-License-Identifier: GPL-2.0

//! The ways in which a patch can be asked to redirect calls.

/// How calls of a patch's functions are to be redirected, while nothing changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirection {
    /// By a handler that ftrace calls: whoever else wants the function can have it too.
    Ftrace,
    /// By a jump at the function's entry.
    Direct,
    /// The same, as long as no BPF program wants the function.
    Auto,
}

impl Redirection {
    const ALL: [Self; 3] = [Self::Ftrace, Self::Direct, Self::Auto];

    /// The word in sysfs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ftrace => "ftrace",
            Self::Direct => "direct",
            Self::Auto => "auto",
        }
    }

    /// The one with that name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name().as_bytes() == name)
    }
}
