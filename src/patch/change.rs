// SPDX-License-Identifier: GPL-2.0

//! What can be done with a patch.

use crate::patch::{
    status::Progress,
    Patch, //
};

/// A change of a patch: what a user can ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Enable,
    Disable,
}

impl Change {
    pub(crate) fn is_enable(self) -> bool {
        matches!(self, Self::Enable)
    }

    /// The one that takes it back.
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Enable => Self::Disable,
            Self::Disable => Self::Enable,
        }
    }

    /// Whether it takes all other patches off.
    pub(crate) fn supersedes(self, patch: &Patch) -> bool {
        self == Self::Enable && patch.replaces()
    }

    /// What belongs to the functions without the patch, and what to those with it, as old and new.
    pub(crate) fn order<T>(self, without: T, with: T) -> (T, T) {
        match self {
            Self::Enable => (without, with),
            Self::Disable => (with, without),
        }
    }

    /// Where a patch stands while it is made, and after that.
    pub(crate) fn during(self) -> Progress {
        match self {
            Self::Enable => Progress::Enabling,
            Self::Disable => Progress::Disabling,
        }
    }

    pub(crate) fn after(self) -> Progress {
        match self {
            Self::Enable => Progress::Enabled,
            Self::Disable => Progress::Disabled,
        }
    }

    /// What has happened to the patch then.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Enable => "enabled",
            Self::Disable => "disabled",
        }
    }
}
