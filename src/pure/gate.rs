// SPDX-License-Identifier: GPL-2.0

//! The one word that a change flips.
//!
//! Every redirected function has two targets, one per [`Side`]; the gate says which side is live.
//! Between changes both targets of a function are equal. A change writes the targets of its
//! functions that are not live and then flips the gate once, for all of them at the same instant.
//!
//! One bit says that a stop window is open: a handler that runs in NMI context and finds it set
//! takes it away (a veto), after which the flip fails. Flip and veto are atomic on the same word,
//! so exactly one of them wins. `docs/design/flip.md`.
//!
//! The sign bit says that a call has to look closer: while a window is open, and during
//! transitions, which are counted. Without it the word is the live side, and nothing else.
//!
//! Pure logic: compiled into the core and into the host's unit tests. The accesses are plain `core`
//! atomics because each of the kernel crate's is a call to a traceable C helper, which the handler
//! must not make.

use core::{
    mem::size_of,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    }, //
};

/// Look closer.
const ATTEND: u32 = 1 << 31;
/// A stop window is open, and not vetoed.
const OPEN: u32 = 1 << 30;
/// One transition; so many of them fit below [`OPEN`].
const TRANSITION: u32 = 1 << 8;
const TRANSITIONS: u32 = OPEN - TRANSITION;

/// Which of a function's two targets is live: its distance in bytes from the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Side(u32);

const OTHER: u32 = size_of::<usize>() as u32;

impl Side {
    /// That of a new gate.
    pub(crate) const FIRST: Self = Self(0);

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
        Side(self.0 & OTHER)
    }

    /// True while a stop window is open and not vetoed.
    pub(crate) fn is_open(self) -> bool {
        self.0 & OPEN != 0
    }
}

/// The word that says which side of all functions is live. The handler reads it in assembly.
#[repr(transparent)]
pub(crate) struct Gate(AtomicU32);

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Reads the gate. Any context.
    ///
    /// Acquire: partner of the release in [`Gate::flip`]; a reader of the new side sees its
    /// targets.
    pub(crate) fn read(&self) -> View {
        View(self.0.load(Ordering::Acquire))
    }

    /// Opens the window. One change at a time.
    pub(crate) fn open(&self) {
        self.0.fetch_or(OPEN | ATTEND, Ordering::SeqCst);
    }

    /// Closes the window, whether flip or veto has won.
    pub(crate) fn close(&self) {
        self.update(|word| word & !OPEN);
    }

    /// Until [`Gate::dismiss`] every call looks closer. Fewer than four million at the same time.
    pub(crate) fn attend(&self) {
        self.update(|word| word.wrapping_add(TRANSITION));
    }

    /// Takes one [`Gate::attend`] back.
    pub(crate) fn dismiss(&self) {
        self.update(|word| word.wrapping_sub(TRANSITION));
    }

    fn update(&self, change: impl Fn(u32) -> u32) {
        let attending = |word| match change(word) {
            word if word & (OPEN | TRANSITIONS) == 0 => Some(word & !ATTEND),
            word => Some(word | ATTEND),
        };
        let _ = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::Relaxed, attending);
    }

    /// Makes the other side live and closes the window, except for [`Gate::close`]. False when an
    /// NMI vetoed.
    ///
    /// Release: partner of the acquire in [`Gate::read`].
    pub(crate) fn flip(&self) -> bool {
        let open = self.0.load(Ordering::Relaxed) | OPEN;
        self.0
            .compare_exchange(
                open,
                (open & !OPEN) ^ OTHER,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
    }

    /// Takes the window away from the change under way. Any context.
    ///
    /// Returns what is in force afterwards: the side that was live when the veto won or another NMI
    /// had vetoed already, the new side when the flip was first.
    pub(crate) fn veto(&self) -> View {
        View(self.0.fetch_and(!OPEN, Ordering::AcqRel) & !OPEN)
    }
}
