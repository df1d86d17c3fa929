// SPDX-License-Identifier: GPL-2.0

//! Choices that have a word in sysfs.

/// An enumeration that is written and read as a word.
pub(crate) trait Word: Copy + 'static {
    /// All its values.
    const ALL: &'static [Self];

    /// The word in sysfs.
    fn name(self) -> &'static str;

    /// The value with that word.
    fn named(word: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|one| one.name().as_bytes() == word)
    }
}
