// SPDX-License-Identifier: GPL-2.0

//! The one word that a change flips.
//!
//! Every redirected function has two targets, one per [`Side`]; the gate says which side is live.
//! Between changes both targets of a function are equal. A change writes the targets of its functions
//! that are not live and then flips the gate once, for all of them at the same instant.
//!
//! The sign bit says that a stop window is open: a handler that runs in NMI context and finds it set takes
//! it away (a veto), after which the flip fails. Without that bit the word is the live side. Flip and veto
//! are compare-and-exchange on the same word, so exactly one of them wins. `docs/design.md`, "The flip".
//!
//! Pure logic: compiled into the core and into the host's unit tests. The accesses are plain `core`
//! atomics because each of the kernel crate's is a call to a traceable C helper, which the handler
//! must not make.

use core::{
    mem::size_of,
    sync::atomic::{AtomicU32, Ordering},
};

const OPEN: u32 = 1 << 31;

/// Which of a function's two targets is live: its distance in bytes from the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Side(u32);

const OTHER: u32 = size_of::<usize>() as u32;

impl Side {
    /// 0 or the size of a word.
    pub(crate) fn offset(self) -> usize {
        self.0 as usize
    }

    /// The one that is not live.
    pub(crate) fn other(self) -> Self {
        Self(self.0 ^ OTHER)
    }
}

/// What the gate read at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct View(u32);

impl View {
    /// The live side.
    pub(crate) fn side(self) -> Side {
        Side(self.0 & !OPEN)
    }

    /// True while a stop window is open and not vetoed.
    pub(crate) fn is_open(self) -> bool {
        self.0 & OPEN != 0
    }
}

/// See the module's documentation. The handler reads it in assembly.
#[repr(transparent)]
pub(crate) struct Gate(AtomicU32);

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Reads the gate. Any context.
    ///
    /// Acquire: partner of the release in [`Gate::flip`]; who sees the new side sees its targets.
    pub(crate) fn read(&self) -> View {
        View(self.0.load(Ordering::Acquire))
    }

    /// Opens the window. Only the core's worker does, one change at a time.
    pub(crate) fn open(&self) {
        self.0.fetch_or(OPEN, Ordering::SeqCst);
    }

    /// Closes the window, whoever won.
    pub(crate) fn close(&self) {
        self.0.fetch_and(!OPEN, Ordering::SeqCst);
    }

    /// Makes the other side live and closes the window. False when an NMI vetoed.
    ///
    /// Release: partner of the acquire in [`Gate::read`].
    pub(crate) fn flip(&self) -> bool {
        let side = self.0.load(Ordering::Relaxed) & !OPEN;
        self.0
            .compare_exchange(
                side | OPEN,
                side ^ OTHER,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
    }

    /// Takes the window away from the change under way. Any context.
    ///
    /// Returns what is in force afterwards: the side seen before when the veto won or another NMI
    /// had vetoed already, the new side when the flip was first.
    pub(crate) fn veto(&self, seen: View) -> View {
        let (seen, vetoed) = (seen.0, seen.0 & !OPEN);
        match self
            .0
            .compare_exchange(seen, vetoed, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => View(vetoed),
            Err(now) => View(now),
        }
    }
}
