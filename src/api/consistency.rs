// SPDX-License-Identifier: GPL-2.0

//! The models of consistency.

/// How a change deals with tasks that are inside of a function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// All functions change for all tasks at one instant, at which nobody is inside.
    StopMachine,
    /// They change at one instant, but tasks that are inside stay behind, each until it is outside.
    PerTask,
    /// The first up to the deadline, and then the second.
    Auto,
}

impl Consistency {
    const ALL: [Self; 3] = [Self::StopMachine, Self::PerTask, Self::Auto];

    /// The word in sysfs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StopMachine => "stop_machine",
            Self::PerTask => "per_task",
            Self::Auto => "auto",
        }
    }

    /// The one with that name.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.name().as_bytes() == name)
    }
}
