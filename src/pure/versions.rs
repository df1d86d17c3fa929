// SPDX-License-Identifier: GPL-2.0

//! Which changes of the system a patch has to know before it may be enabled. Pure logic; the rule
//! is livepatch's (`Documentation/livepatch/system-state.rst`).

/// A change of the system that a patch makes or knows, and which variant of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    pub(crate) id: usize,
    pub(crate) version: u32,
}

/// A state of an enabled patch that the new one cannot deal with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Conflict {
    pub(crate) theirs: Known,
    /// The version that the new patch knows; `None` if it does not know the state.
    pub(crate) ours: Option<u32>,
}

/// The first of `theirs`, the states of an enabled patch, that a new patch with the states `ours`
/// cannot deal with.
///
/// It must know each at least in the same version. If it `replaces` the other it must know all of
/// them, because it alone will be there to undo what was changed; otherwise what it does not know
/// is none of its business.
pub(crate) fn conflict(
    ours: impl Iterator<Item = Known> + Clone,
    replaces: bool,
    mut theirs: impl Iterator<Item = Known>,
) -> Option<Conflict> {
    theirs.find_map(|theirs| {
        let ours = version_of(ours.clone(), theirs.id);
        let conflicts = ours.map_or(replaces, |version| version < theirs.version);
        conflicts.then_some(Conflict { theirs, ours })
    })
}

/// An id that is there more than once.
pub(crate) fn named_twice(states: impl Iterator<Item = Known> + Clone) -> Option<usize> {
    let mut rest = states;
    while let Some(state) = rest.next() {
        if version_of(rest.clone(), state.id).is_some() {
            return Some(state.id);
        }
    }
    None
}

fn version_of(mut states: impl Iterator<Item = Known>, id: usize) -> Option<u32> {
    states
        .find(|state| state.id == id)
        .map(|state| state.version)
}
