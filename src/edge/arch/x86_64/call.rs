// SPDX-License-Identifier: GPL-2.0

//! How a function's entry looks, and a call. Pure: also compiled for the host's tests.

use crate::pure::address::FtraceSite;

/// Length in bytes of a call with a 32-bit distance, as at an ftrace site.
const SIZE: usize = 5;

/// How far behind a function's first byte its ftrace site may be: behind ENDBR. A site farther on
/// belongs to something else that has no symbol of its own.
pub(crate) const LAST_SITE: usize = 4;

/// What the call at a site pushes as return address: where a call of the function goes on that is
/// not redirected.
pub(crate) const fn return_address(site: FtraceSite) -> usize {
    site.0.wrapping_add(SIZE)
}

/// Where the calls in `code` go, which lies at `at`; or what looks like a call. The last bytes may
/// begin one whose end is not there: [`overlap`].
pub(crate) fn targets(at: usize, code: &[u8]) -> impl Iterator<Item = usize> + '_ {
    /// `call` with the distance to where it goes, in bytes.
    const CALL: u8 = 0xe8;

    // Not `enumerate`, whose sum has a panic path.
    let windows = (0..code.len()).zip(code.windows(SIZE));
    windows.filter_map(move |(offset, window)| match window {
        &[CALL, a, b, c, d] => {
            let behind = at.wrapping_add(offset).wrapping_add(SIZE);
            let distance = i32::from_le_bytes([a, b, c, d]) as isize;
            Some(behind.wrapping_add_signed(distance))
        }
        _ => None,
    })
}

/// So many bytes of a piece of code have to be looked at again with the next piece.
pub(crate) const fn overlap() -> usize {
    SIZE - 1
}
