// SPDX-License-Identifier: GPL-2.0

//! Where calls of redirected functions go: a table that is looked up at every call.
//!
//! It is laid out once, before it is used, and has no collisions: each function has a place of its
//! own, which a multiplication finds. So a call costs the same whatever the number of functions.
//!
//! Pure logic: compiled into the core and into the host's unit tests.

use core::{
    mem::size_of,
    ops::DerefMut,
    sync::atomic::{
        AtomicBool,
        AtomicUsize, //
    }, //
};

/// One redirected function. Its size is a power of two, so that a mask makes an offset.
#[repr(C, align(32))]
pub(crate) struct Entry {
    /// Where calls go, by side of the gate.
    pub(crate) targets: [AtomicUsize; 2],
    /// The function is part of the change under way.
    pub(crate) changing: AtomicBool,
    /// During a transition, the address of its junction here (`edge/mechanism/junction.rs`); else
    /// 0.
    pub(crate) junction: AtomicUsize,
}

impl Entry {
    /// Calls go to `target`.
    pub(crate) const fn new(target: usize) -> Self {
        Self {
            targets: [AtomicUsize::new(target), AtomicUsize::new(target)],
            changing: AtomicBool::new(false),
            junction: AtomicUsize::new(0),
        }
    }

    /// One that no function has.
    pub(crate) const fn unused() -> Self {
        Self::new(0)
    }
}

/// Where in a table a function's entry is.
///
/// # Invariants
///
/// `mask` is the table's size in bytes less the size of an entry, and the table has a power of two
/// of entries.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Layout {
    multiplier: u32,
    mask: u32,
}

impl Layout {
    /// The distance in bytes of the entry of `site` from the first: that of an entry of the table,
    /// whatever `site` is.
    ///
    /// Sites differ in the lower half of their addresses, because all text lies within 2 GiB. The
    /// upper bits of the product depend on all bits of the address; exchanging the bytes puts them
    /// where a mask can be had without a shift.
    #[inline(always)]
    pub(crate) fn offset(self, site: usize) -> u32 {
        let product = (site as u32).wrapping_mul(self.multiplier);
        product.swap_bytes() & self.mask
    }

    /// How many entries the table has.
    pub(crate) fn entries(self) -> usize {
        (self.mask as usize / size_of::<Entry>()).saturating_add(1)
    }

    /// The number of the entry of `site`.
    pub(crate) fn index(self, site: usize) -> usize {
        self.offset(site) as usize / size_of::<Entry>()
    }
}

/// Multipliers that are tried for each size of the table. A try ends with the first collision.
const TRIES: u32 = 2000;

/// Entries of the largest table: 32 MiB, enough for thousands of functions.
const LIMIT: usize = 1 << 20;

/// Entries of the smallest table that is worth trying for so many functions. By the birthday
/// paradox one multiplier in some hundreds has no collision.
fn least(sites: usize) -> usize {
    let square = sites.saturating_mul(sites) / 16;
    square.max(sites.saturating_mul(2)).next_power_of_two()
}

/// Chooses a layout for `sites`, each of which is named once. `scratch` is called for memory to try
/// in: so many bytes of 0. `None` when it gives none, or when there are too many sites.
pub(crate) fn lay_out<S: DerefMut<Target = [u8]>>(
    sites: &[usize],
    mut scratch: impl FnMut(usize) -> Option<S>,
) -> Option<Layout> {
    let mut entries = least(sites.len());
    let mut multiplier = 0x9e37_79b9u32;
    while entries <= LIMIT {
        let mut taken = scratch(entries)?;
        let mask = entries.checked_sub(1)?.checked_mul(size_of::<Entry>())?;
        for _ in 0..TRIES {
            // INVARIANT: `mask` is made of the number of entries, a power of two.
            let layout = Layout {
                multiplier,
                mask: u32::try_from(mask).ok()?,
            };
            if is_free_of_collisions(layout, sites, &mut taken) {
                return Some(layout);
            }
            // A linear congruential generator; only odd multipliers keep all bits of the address.
            multiplier = multiplier
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223)
                | 1;
        }
        entries = entries.saturating_mul(2);
    }
    None
}

/// Whether each site has a place of its own. `taken` is all 0, before and after.
fn is_free_of_collisions(layout: Layout, sites: &[usize], taken: &mut [u8]) -> bool {
    let free = |&&site: &&usize| match taken.get_mut(layout.index(site)) {
        Some(place @ 0) => {
            *place = 1;
            true
        }
        _ => false,
    };
    let placed = sites.iter().take_while(free).count();
    for &site in sites.iter().take(placed) {
        if let Some(place) = taken.get_mut(layout.index(site)) {
            *place = 0;
        }
    }
    placed == sites.len()
}
