// SPDX-License-Identifier: GPL-2.0
//! One measured number, as the guest notes it: `sample FIGURE THREADS FUNCTIONS LOAD VALUE`.

use std::fmt::{self, Display, Formatter};

use super::plan::{Load, Place};

/// What was measured. Times are nanoseconds, which are instructions.
pub mod figure {
    /// How long molt's window held the CPUs, enabling.
    pub const WINDOW: &str = "window";
    /// The same, disabling.
    pub const UNDO_WINDOW: &str = "undo_window";
    /// Tasks that molt verified in the window, enabling.
    pub const VERIFIED: &str = "verified";
    /// Windows it took, enabling.
    pub const ATTEMPTS: &str = "attempts";
    /// Windows of it that had to verify everybody.
    pub const OVERFLOWS: &str = "overflows";
    /// How long the walk held the CPUs that looks at all tasks.
    pub const WALK: &str = "walk";
    /// Tasks that it looked at.
    pub const WALK_TASKS: &str = "walk_tasks";
    /// How long a window held the CPUs that does nothing.
    pub const EMPTY: &str = "empty";
    /// The whole call of `stop_machine` with such a window.
    pub const EMPTY_WHOLE: &str = "empty_whole";
    /// From `insmod` to patched.
    pub const APPLY: &str = "apply";
    /// From the write to `enabled` to taken back.
    pub const UNDO: &str = "undo";
    /// The same task by task, to the last task.
    pub const PER_TASK_APPLY: &str = "per_task_apply";
    /// The same task by task, to the last task.
    pub const PER_TASK_UNDO: &str = "per_task_undo";
    /// The same of a livepatch.
    pub const LIVEPATCH_APPLY: &str = "livepatch_apply";
    /// The same of a livepatch.
    pub const LIVEPATCH_UNDO: &str = "livepatch_undo";
    /// From waking the last task that was left behind to the end of the transition.
    pub const PER_TASK_FOLLOW: &str = "per_task_follow";
    /// The same of a livepatch.
    pub const LIVEPATCH_FOLLOW: &str = "livepatch_follow";
    /// From asking for direct calls to having them.
    pub const TO_DIRECT: &str = "to_direct";
    /// And back.
    pub const TO_FTRACE: &str = "to_ftrace";
    /// Begins the names of 100,000 calls of one function, in each mode.
    pub const CALL: &str = "call_";
    /// Begins the names of bytes of memory.
    pub const MEMORY: &str = "memory_";
}

/// One measured number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What was measured.
    pub figure: String,
    /// Where.
    pub place: Place,
    /// How much.
    pub value: u64,
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Place {
            threads,
            functions,
            load,
        } = self.place;
        let (figure, value) = (&self.figure, self.value);
        write!(f, "sample {figure} {threads} {functions} {load} {value}")
    }
}

impl Sample {
    /// Reads a note; `None` if it is no sample.
    pub fn read(note: &str) -> Option<Self> {
        let words: Vec<&str> = note.split(' ').collect();
        let ["sample", figure, threads, functions, load, value] = words[..] else {
            return None;
        };
        Some(Self {
            figure: figure.to_owned(),
            place: Place {
                threads: threads.parse().ok()?,
                functions: functions.parse().ok()?,
                load: load.parse::<Load>().ok()?,
            },
            value: value.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_was_written() {
        let sample = Sample {
            figure: figure::WALK.to_owned(),
            place: Place {
                threads: 30_000,
                functions: 10,
                load: Load::PingPong,
            },
            value: 140_000_000,
        };
        assert_eq!(Sample::read(&sample.to_string()), Some(sample));
        assert_eq!(Sample::read("sample walk 1 1 busy 5"), None);
        assert_eq!(Sample::read("walk 1 1 idle 5"), None);
    }
}
