// SPDX-License-Identifier: GPL-2.0

//! Pauses between tries, each twice as long as the one before.

/// How long to wait before the next try.
pub(crate) struct Backoff {
    first: u32,
    longest: u32,
    next: u32,
}

impl Backoff {
    /// Pauses in milliseconds: the first, and the longest.
    pub(crate) const fn new(first: u32, longest: u32) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// The next pause, in milliseconds.
    pub(crate) fn next_pause(&mut self) -> u32 {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }

    /// Begins with the first again.
    pub(crate) fn restart(&mut self) {
        self.next = self.first;
    }
}
