// SPDX-License-Identifier: GPL-2.0

//! A sorted set of address ranges, asked once per stack frame.
//!
//! Pure logic: compiled into the core and into the host's unit tests. It allocates nothing; the
//! caller owns the memory, because the set is read inside the stop window.

/// Half-open range of kernel addresses, `start <= a < end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    /// First address.
    pub(crate) start: usize,
    /// First address behind it.
    pub(crate) end: usize,
}

impl Range {
    /// The range of `size` bytes from `start`; it ends at the top of the address space at the
    /// latest.
    pub(crate) fn sized(start: usize, size: usize) -> Self {
        Self {
            start,
            end: start.saturating_add(size),
        }
    }

    /// Whether `address` is in it.
    pub(crate) fn holds(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }
}

/// Sorted, merged ranges over memory of the caller.
///
/// # Invariants
///
/// The ranges are sorted by start, not empty, and neither overlap nor touch.
///
/// `bounds` is from the start of the first to the end of the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranges<'a> {
    ranges: &'a [Range],
    bounds: Range,
}

impl<'a> Ranges<'a> {
    /// Sorts and merges `ranges` in place.
    pub(crate) fn new(ranges: &'a mut [Range]) -> Self {
        // By insertion: core's sort brings in code whose panics objtool cannot follow.
        for at in 1..ranges.len() {
            let place = ranges[..at].partition_point(|range| range.start <= ranges[at].start);
            ranges[place..=at].rotate_right(1);
        }
        let mut kept = 0;
        for at in 0..ranges.len() {
            let range = ranges[at];
            if range.start >= range.end {
                continue;
            }
            if kept > 0 && range.start <= ranges[kept - 1].end {
                ranges[kept - 1].end = ranges[kept - 1].end.max(range.end);
            } else {
                ranges[kept] = range;
                kept += 1;
            }
        }
        // INVARIANT: sorted above; empty ones were skipped, overlapping and touching ones merged.
        Self::sorted(&ranges[..kept])
    }

    /// What [`Ranges::new`] has left in its memory, as many as it has.
    pub(crate) fn sorted(ranges: &'a [Range]) -> Self {
        let bounds = match (ranges.first(), ranges.last()) {
            (Some(first), Some(last)) => Range {
                start: first.start,
                end: last.end,
            },
            // Nothing is between the end of the address space and its start.
            _ => Range {
                start: usize::MAX,
                end: 0,
            },
        };
        Self { ranges, bounds }
    }

    /// How many there are after merging.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether a stack frame at `address` is inside one of the ranges.
    ///
    /// A frame holds either an interrupted instruction (`start <= a < end`) or a return address. A
    /// call that is the last instruction of a function pushes the address behind the function
    /// (`start < a <= end`), which is why the unwinder looks up `ip - 1` for such frames. The test
    /// is the union of both: it errs on the side of busy by one address.
    #[inline]
    pub(crate) fn hold(&self, address: usize) -> bool {
        // Most frames are nowhere near.
        if address < self.bounds.start || address > self.bounds.end {
            return false;
        }
        // A bisection without an index or a sum: the stop window must have no panic path.
        let mut rest = self.ranges;
        loop {
            let middle = rest.len() / 2;
            let Some(range) = rest.get(middle) else {
                return false;
            };
            rest = if address < range.start {
                rest.get(..middle).unwrap_or_default()
            } else if address > range.end {
                rest.get(middle.wrapping_add(1)..).unwrap_or_default()
            } else {
                return true;
            };
        }
    }
}
