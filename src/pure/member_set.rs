// SPDX-License-Identifier: GPL-2.0

//! A set that anybody may ask in any context, while others join and leave.
//!
//! A table of slots with open addressing. A value that has left keeps its slot until the set is
//! swept, so that what the value stands for is let go by one side only, in a context that may do
//! that. What a value's membership says to the value's owner is exact, because nobody else changes
//! it while the owner asks: that is the caller's to see to.
//!
//! Pure logic: compiled into the core and into the host's unit tests.

use core::{
    num::NonZeroUsize,
    ops::Deref,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    }, //
};

/// In a slot: its value has left. Values are even.
const LEFT: usize = 1;
/// In a slot: the value that had it was swept. Others may be behind it.
const SWEPT: usize = LEFT;

/// A set of values that are even and not 0.
///
/// # Invariants
///
/// `slots` has a power of two of slots, more than one. A value is in one slot at most, and no slot
/// between that and its first one is 0.
pub(crate) struct MemberSet<S> {
    slots: S,
    /// Members that have not left.
    members: AtomicUsize,
}

/// What became of a value that was to join.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Joined {
    /// It is a member now, and was in no slot before.
    New,
    /// It has been in a slot already, and is a member now.
    Known,
    /// There is no room: half of the slots are full.
    Full,
}

impl<S: Deref<Target = [AtomicUsize]>> MemberSet<S> {
    /// An empty set in `slots`, which are all 0. `None` when their number is no power of two.
    pub(crate) fn new(slots: S) -> Option<Self> {
        // INVARIANT: no value is in it.
        (slots.len() > 1 && slots.len().is_power_of_two()).then_some(Self {
            slots,
            members: AtomicUsize::new(0),
        })
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.members.load(Ordering::Acquire)
    }

    /// The slots where `value` may be, best first, with their numbers.
    #[inline(always)]
    fn places(&self, value: usize) -> impl Iterator<Item = (usize, &AtomicUsize)> {
        let count = self.slots.len();
        // The upper bits of the product with 2^64 divided by the golden ratio.
        let product = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let first = product.wrapping_shr(count.leading_zeros().wrapping_add(1));
        (0..count).filter_map(move |step| {
            let number = first.wrapping_add(step) & count.wrapping_sub(1);
            Some((number, self.slots.get(number)?))
        })
    }

    /// Whether `value` is a member. Any context.
    #[inline]
    pub(crate) fn holds(&self, value: NonZeroUsize) -> bool {
        for (_, slot) in self.places(value.get()) {
            match slot.load(Ordering::Relaxed) {
                0 => return false,
                there if there == value.get() => return true,
                _ => {}
            }
        }
        false
    }

    /// Makes `value` a member. Any context but NMI; different values may join at the same time, but
    /// nobody else may do anything with this one.
    pub(crate) fn join(&self, value: NonZeroUsize) -> Joined {
        if self.len() >= self.slots.len() / 2 {
            return if self.holds(value) {
                Joined::Known
            } else {
                Joined::Full
            };
        }
        let value = value.get();
        // Again when another has taken the slot meanwhile.
        for _ in 0..self.slots.len() {
            let mut free = None;
            for (_, slot) in self.places(value) {
                let there = slot.load(Ordering::Relaxed);
                if there == value {
                    return Joined::Known;
                }
                if there == value | LEFT {
                    if self.put(slot, there, value) {
                        return Joined::Known;
                    }
                } else if there == SWEPT {
                    free = free.or(Some((slot, SWEPT)));
                } else if there == 0 {
                    free = free.or(Some((slot, 0)));
                    break;
                }
            }
            let Some((slot, there)) = free else {
                break;
            };
            // INVARIANT: it was in none of the slots before the first that is 0, and nobody else
            // puts it there.
            if self.put(slot, there, value) {
                return Joined::New;
            }
        }
        Joined::Full
    }

    /// Puts a member into a slot. It is counted before it can be seen: a caller that makes it leave
    /// at once takes only that one off the number.
    fn put(&self, slot: &AtomicUsize, there: usize, value: usize) -> bool {
        self.members.fetch_add(1, Ordering::AcqRel);
        let put = exchange(slot, there, value);
        if !put {
            self.members.fetch_sub(1, Ordering::AcqRel);
        }
        put
    }

    /// Ends the membership of `value`. False when it was none. Any context but NMI.
    pub(crate) fn leave(&self, value: NonZeroUsize) -> bool {
        // Mostly. A member has been counted.
        if self.len() == 0 {
            return false;
        }
        let value = value.get();
        for (_, slot) in self.places(value) {
            let there = slot.load(Ordering::Relaxed);
            if there == 0 {
                return false;
            }
            if there == value && exchange(slot, value, value | LEFT) {
                // Release: whoever reads 0 sees what the members did before.
                self.members.fetch_sub(1, Ordering::AcqRel);
                return true;
            }
        }
        false
    }

    /// Takes the values out that have left, and visits them. One caller at a time.
    pub(crate) fn sweep(&self, mut visit: impl FnMut(NonZeroUsize)) {
        for slot in self.slots.iter() {
            let there = slot.load(Ordering::Relaxed);
            let Some(value) = NonZeroUsize::new(there & !LEFT) else {
                continue;
            };
            // It may have joined again.
            if there & LEFT != 0 && exchange(slot, there, SWEPT) {
                visit(value);
            }
        }
    }

    /// Visits all members, each with the number of its slot.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, NonZeroUsize)) {
        for (number, slot) in self.slots.iter().enumerate() {
            match NonZeroUsize::new(slot.load(Ordering::Relaxed)) {
                Some(value) if value.get() & LEFT == 0 => visit(number, value),
                _ => {}
            }
        }
    }
}

fn exchange(slot: &AtomicUsize, from: usize, to: usize) -> bool {
    slot.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
}
