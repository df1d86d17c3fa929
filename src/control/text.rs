// SPDX-License-Identifier: GPL-2.0

//! How values are written to files and read from them.

use crate::{
    api::consistency::Consistency,
    edge::kernel::sysfs::Page,
    pure::word::Word,
    stacks::blockers::Blockers, //
};
use kernel::{
    fmt::{
        self,
        Write as _, //
    },
    prelude::*, //
};

/// Writes one value and the end of the line.
pub(super) fn line(page: &mut Page<'_>, value: fmt::Arguments<'_>) -> fmt::Result {
    page.write_fmt(value)?;
    page.write_str("\n")
}

pub(super) fn lines(page: &mut Page<'_>, blockers: &Blockers) -> fmt::Result {
    for blocker in blockers.lines() {
        line(page, fmt!("{}", &**blocker))?;
    }
    Ok(())
}

/// What was written, without the end of the line.
pub(super) fn word(written: &[u8]) -> &[u8] {
    written.strip_suffix(b"\n").unwrap_or(written)
}

/// A model of consistency that was written.
pub(super) fn consistency(written: &[u8]) -> Result<Consistency> {
    Consistency::named(word(written)).ok_or(EINVAL)
}

/// A 1 that was written.
pub(super) fn one(written: &[u8]) -> Result {
    match number(written)? {
        1 => Ok(()),
        _ => Err(EINVAL),
    }
}

/// A number that was written: decimal digits, perhaps with the end of a line.
pub(super) fn number(written: &[u8]) -> Result<u32> {
    let digits = core::str::from_utf8(word(written)).map_err(|_| EINVAL)?;
    digits.parse().map_err(|_| EINVAL)
}
