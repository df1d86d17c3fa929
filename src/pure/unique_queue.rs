// SPDX-License-Identifier: GPL-2.0

//! A queue that holds every value at most once.
//!
//! One side pushes and another pops; neither waits for the other. It is a table of slots, found by
//! a hash of the value, beside a ring of the slots' numbers in the order in which they were filled.
//! Only the pushing side fills an empty slot, only the popping side empties a full one, so each
//! slot always has one writer, and the ring cannot overflow: it has a place for each slot.
//!
//! Pure logic: compiled into the core and into the host's unit tests. Memory full of zeroes is an
//! empty queue.

use core::{
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::atomic::{
        AtomicU16,
        AtomicUsize,
        Ordering, //
    }, //
};

/// Values that fit at the most.
const CAPACITY: usize = 1 << BITS;
const BITS: u32 = 10;

/// Slots that are tried for a value. With half of the slots full, fewer than one value in a
/// thousand finds none.
const TRIES: usize = 16;

/// A queue of values that are not 0, each in it at most once.
#[repr(C)]
pub(crate) struct UniqueQueue {
    /// Slots filled since the beginning; only the pushing side writes it.
    pushed: AtomicUsize,
    /// Slots emptied since the beginning; only the popping side writes it.
    popped: AtomicUsize,
    /// 0, or the value.
    slots: [AtomicUsize; CAPACITY],
    /// Numbers of the full slots, from `popped` to `pushed`.
    order: [AtomicU16; CAPACITY],
}

/// What became of a value that was pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pushed {
    /// It is in the queue now.
    New,
    /// It has been in the queue already.
    Known,
    /// There was no room.
    Lost,
}

impl UniqueQueue {
    /// Puts `value` at the end, unless it is in the queue. `keep` is called before the other side
    /// can see it, and only when it is new. Any context, but one caller at a time.
    #[inline(always)]
    pub(crate) fn push(&self, value: NonZeroUsize, keep: impl FnOnce()) -> Pushed {
        let first = hash(value.get());
        for step in 0..TRIES {
            let number = first.wrapping_add(step) % CAPACITY;
            let slot = &self.slots[number];
            // Relaxed: what orders this against the popping side's exchange is in
            // `docs/design/who-ran.md`; there the full barriers of the scheduler are its partners.
            match slot.load(Ordering::Relaxed) {
                0 => {
                    keep();
                    slot.store(value.get(), Ordering::Relaxed);
                    let pushed = self.pushed.load(Ordering::Relaxed);
                    self.order[pushed % CAPACITY].store(number as u16, Ordering::Relaxed);
                    // Release: partner of the acquire in `pop` and `for_each`.
                    self.pushed.store(pushed.wrapping_add(1), Ordering::Release);
                    return Pushed::New;
                }
                known if known == value.get() => return Pushed::Known,
                _ => {}
            }
        }
        Pushed::Lost
    }

    /// Takes the oldest value. One caller at a time.
    pub(crate) fn pop(&self) -> Option<NonZeroUsize> {
        let popped = self.popped.load(Ordering::Relaxed);
        if popped == self.pushed.load(Ordering::Acquire) {
            return None;
        }
        let number = self.order[popped % CAPACITY].load(Ordering::Relaxed);
        // A full barrier: after it, the popping side looks at what the value stands for.
        let value = self.slots[usize::from(number) % CAPACITY].swap(0, Ordering::SeqCst);
        self.popped.store(popped.wrapping_add(1), Ordering::Relaxed);
        NonZeroUsize::new(value)
    }

    /// How many values there are, for the popping side.
    pub(crate) fn len(&self) -> usize {
        let popped = self.popped.load(Ordering::Relaxed);
        self.pushed.load(Ordering::Acquire).wrapping_sub(popped)
    }

    /// Visits the values, oldest first, until it breaks off. Neither side may do anything
    /// meanwhile.
    pub(crate) fn for_each(
        &self,
        mut visit: impl FnMut(NonZeroUsize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let pushed = self.pushed.load(Ordering::Acquire);
        let mut at = self.popped.load(Ordering::Relaxed);
        while at != pushed {
            let number = self.order[at % CAPACITY].load(Ordering::Relaxed);
            let value = self.slots[usize::from(number) % CAPACITY].load(Ordering::Relaxed);
            if let Some(value) = NonZeroUsize::new(value) {
                visit(value)?;
            }
            at = at.wrapping_add(1);
        }
        ControlFlow::Continue(())
    }

    /// Whether `value` is in the queue. Neither side may do anything meanwhile.
    pub(crate) fn holds(&self, value: NonZeroUsize) -> bool {
        let first = hash(value.get());
        (0..TRIES).any(|step| {
            let slot = &self.slots[first.wrapping_add(step) % CAPACITY];
            slot.load(Ordering::Relaxed) == value.get()
        })
    }
}

/// Where to begin to look: the upper bits of the product with 2^64 divided by the golden ratio.
#[inline(always)]
fn hash(value: usize) -> usize {
    value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - BITS)
}
