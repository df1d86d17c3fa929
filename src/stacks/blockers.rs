// SPDX-License-Identifier: GPL-2.0

//! Tasks that prevent a change: recorded without allocation, told afterwards.

use crate::edge::{
    arch::stack::{
        self,
        Finding, //
    },
    kernel::{
        clock,
        symbols::Symbolic,
        tasks::Task, //
    },
    mechanism::migration::Migration, //
};
use core::{
    fmt::Write as _,
    num::NonZeroUsize, //
};
use kernel::{
    alloc::AllocError,
    fmt,
    prelude::*,
    str::CString,
    time::{
        Instant,
        Monotonic, //
    }, //
};

/// How many blockers are recorded by name; more are only counted.
const RECORDED: usize = 32;

/// One task in the way.
#[derive(Clone, Copy)]
struct Blocker {
    /// Which task; not to be followed.
    id: usize,
    pid: i32,
    comm: [u8; 16],
    /// The frame inside the function, or the last frame that could be read; `None` when there was
    /// none.
    address: Option<NonZeroUsize>,
}

impl Blocker {
    fn new(task: Task<'_>, address: Option<NonZeroUsize>) -> Self {
        Self {
            id: task.id(),
            pid: task.pid(),
            comm: task.comm(),
            address,
        }
    }
}

/// What one pass over all tasks found. Made before a stop window, filled inside.
pub(crate) struct Found {
    recorded: KVec<Blocker>,
    /// A task that may be inside.
    except: Option<i32>,
    /// Tasks inside.
    pub(crate) inside: usize,
    /// Tasks whose stack cannot be walked to its end.
    pub(crate) unreliable: usize,
    /// Tasks looked at.
    pub(crate) looked_at: usize,
}

impl Found {
    /// Room for what a pass may find. Process context.
    pub(crate) fn new() -> Result<Self, AllocError> {
        Ok(Self {
            recorded: KVec::with_capacity(RECORDED, GFP_KERNEL)?,
            except: None,
            inside: 0,
            unreliable: 0,
            looked_at: 0,
        })
    }

    /// Room for what a pass may find, to which the task with process id `pid` is never in the way.
    /// Process context.
    pub(crate) fn without(pid: i32) -> Result<Self, AllocError> {
        Ok(Self {
            except: Some(pid),
            ..Self::new()?
        })
    }

    /// Takes note of the verdict on `task`, once. Any context: uses only memory reserved by `new`.
    pub(crate) fn note(&mut self, task: Task<'_>, finding: Finding) {
        self.looked_at = self.looked_at.wrapping_add(1);
        if finding == Finding::Clean || self.except == Some(task.pid()) {
            return;
        }
        if self.recorded.iter().any(|blocker| blocker.id == task.id()) {
            return;
        }
        let address = match finding {
            Finding::Clean => return,
            Finding::Inside(address) => {
                self.inside = self.inside.wrapping_add(1);
                Some(address)
            }
            Finding::Unreliable(address) => {
                self.unreliable = self.unreliable.wrapping_add(1);
                address
            }
        };
        // Full: the count above has it.
        let _ = self
            .recorded
            .push_within_capacity(Blocker::new(task, address));
    }

    /// The only task in the way, by its process id.
    pub(crate) fn only(&self) -> Option<i32> {
        match (self.inside, self.unreliable, self.recorded.first()) {
            (1, 0, Some(blocker)) => Some(blocker.pid),
            _ => None,
        }
    }

    /// Nobody is in the way.
    pub(crate) fn is_clean(&self) -> bool {
        self.inside == 0 && self.unreliable == 0
    }

    /// Forgets everything, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.recorded.clear();
        (self.inside, self.unreliable, self.looked_at) = (0, 0, 0);
    }

    /// Names for people, looked up while the code is still there. Process context.
    pub(crate) fn told(&self) -> Blockers {
        let mut lines = KVec::new();
        for blocker in self.recorded.iter() {
            // Without memory the list is shorter; the refusal itself is not lost.
            if let Ok(line) = CString::try_from_fmt(fmt!("{}", blocker)) {
                let _ = lines.push(line, GFP_KERNEL);
            }
        }
        Blockers(lines)
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.comm.iter().position(|&byte| byte == 0);
        let name = self.comm.get(..length.unwrap_or(self.comm.len()));
        out.write_fmt(fmt!("{} ", self.pid))?;
        for &byte in name.unwrap_or_default() {
            // A name is what the task chose; spaces and control characters would break the line.
            let byte = if byte.is_ascii_graphic() { byte } else { b'?' };
            out.write_char(byte as char)?;
        }
        match self.address {
            None => out.write_str(" ?"),
            Some(address) => out.write_fmt(fmt!(" {}", Symbolic(address.get()))),
        }
    }
}

/// The tasks that stood in the way, a line each: `pid comm function+0xoffset/0xsize [module]`.
pub(crate) struct Blockers(KVec<CString>);

impl Blockers {
    pub(crate) const fn none() -> Self {
        Self(KVec::new())
    }

    /// A copy of the list, as far as memory lasts. Process context.
    pub(crate) fn copy(&self) -> Self {
        let mut lines = KVec::new();
        for line in self.0.iter() {
            if let Ok(line) = CString::try_from_fmt(fmt!("{}", &**line)) {
                let _ = lines.push(line, GFP_KERNEL);
            }
        }
        Self(lines)
    }

    /// The first of them, for one line of the log.
    pub(crate) fn few(&self) -> Few<'_> {
        Few(&self.0)
    }

    /// The lines without their ends.
    pub(crate) fn lines(&self) -> &[CString] {
        &self.0
    }
}

/// The stragglers of a transition that began at `begun`, as far as they fit: where they are, and
/// for how many milliseconds they have been in the way. Process context.
///
/// A task that runs is somewhere else by the time that this is read.
pub(crate) fn left_behind(migration: &Migration, begun: Instant<Monotonic>) -> Blockers {
    let mut lines = KVec::new();
    let ranges = migration.ranges();
    let (now, lasts) = (clock::now(), begun.elapsed().as_nanos());
    migration.for_each(|_, task| {
        if lines.len() >= RECORDED {
            return;
        }
        let address = match stack::walk(task, ranges) {
            Finding::Inside(address) => Some(address),
            Finding::Unreliable(address) => address,
            // On its way out.
            Finding::Clean => None,
        };
        let age = now.saturating_sub(task.start());
        let since = u64::try_from(lasts).unwrap_or(0).min(age) / 1_000_000;
        let blocker = Blocker::new(task, address);
        if let Ok(line) = CString::try_from_fmt(fmt!("{} {}ms", blocker, since)) {
            let _ = lines.push(line, GFP_KERNEL);
        }
    });
    Blockers(lines)
}

/// At most four blockers, in one line.
pub(crate) struct Few<'a>(&'a [CString]);

impl fmt::Display for Few<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.iter().take(4).enumerate() {
            out.write_str(if index == 0 { ": " } else { ", " })?;
            out.write_fmt(fmt!("{}", &**line))?;
        }
        out.write_str(if self.0.len() > 4 { ", ..." } else { "" })
    }
}
