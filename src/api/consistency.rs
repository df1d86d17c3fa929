// SPDX-License-Identifier: GPL-2.0

//! The models of consistency.

use crate::pure::word::Word;

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

impl Word for Consistency {
    const ALL: &'static [Self] = &[Self::StopMachine, Self::PerTask, Self::Auto];

    fn name(self) -> &'static str {
        match self {
            Self::StopMachine => "stop_machine",
            Self::PerTask => "per_task",
            Self::Auto => "auto",
        }
    }
}
