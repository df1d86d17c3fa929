// SPDX-License-Identifier: GPL-2.0
//! Several patches of one function: the newest that is enabled wins.

use anyhow::Result;
use rustix::io::Errno;

use crate::guest::patch::Patch;
use crate::guest::{check, module, target, Guest};

scenarios! { stack:
    newest_wins,
    every_order_of_disabling,
    every_order_of_enabling,
    lower_unloads_under_upper,
    siblings_do_not_meet,
}

/// Three patches of `target_value`; the n-th makes it return n + 2.
const PATCHES: [&str; 3] = ["patch_value", "patch_value_again", "patch_value_more"];

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

/// What `target_value` returns if the patches are on in this stack, oldest first.
fn expect_top(stack: &[usize]) -> Result<()> {
    let value = stack.last().map_or(1, |patch| patch + 2);
    target::expect("value", &value.to_string())
}

/// Loading stacks, unloading uncovers.
fn newest_wins(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let mut loaded = Vec::new();
    for name in PATCHES {
        loaded.push(Patch::load(name)?);
        target::expect("value", &(loaded.len() + 1).to_string())?;
    }
    let mut orders = Vec::new();
    for patch in &loaded {
        orders.push(patch.number("stack_order")?);
    }
    check::equal(
        "stack_order ascends",
        orders.is_sorted() && orders[0] < orders[2],
        true,
    )?;
    while let Some(patch) = loaded.pop() {
        patch.retire()?;
        target::expect("value", &(loaded.len() + 1).to_string())?;
    }
    Ok(())
}

/// Whichever goes first, the newest of the others shows.
fn every_order_of_disabling(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    for order in ORDERS {
        let mut stack = vec![0, 1, 2];
        let patches = PATCHES.map(Patch::load);
        expect_top(&stack)?;
        for next in order {
            patches[next]
                .as_ref()
                .map_err(|error| anyhow::anyhow!("{error:#}"))?
                .disable()?;
            stack.retain(|patch| *patch != next);
            expect_top(&stack)?;
        }
        for patch in patches {
            patch?.remove()?;
        }
    }
    Ok(())
}

/// A patch that is enabled again is the newest enabled one.
fn every_order_of_enabling(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let mut patches = Vec::new();
    for name in PATCHES {
        let patch = Patch::load(name)?;
        patch.disable()?;
        patches.push(patch);
    }
    for order in ORDERS {
        let mut stack = Vec::new();
        for next in order {
            patches[next].enable()?;
            stack.push(next);
            expect_top(&stack)?;
        }
        for patch in &patches {
            patch.disable()?;
        }
        expect_top(&[])?;
    }
    Ok(())
}

/// The text of a covered patch can go.
fn lower_unloads_under_upper(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let lower = Patch::load(PATCHES[0])?;
    let upper = Patch::load(PATCHES[1])?;
    check::refused(
        "rmmod of a covered patch",
        module::remove(PATCHES[0]),
        Errno::AGAIN,
    )?;
    lower.retire()?;
    target::expect("value", "3")?;
    upper.disable()?;
    target::expect("value", "1")?;
    upper.enable()?;
    target::expect("value", "3")?;
    upper.retire()
}

/// Patches of different functions do not care for each other.
fn siblings_do_not_meet(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let value = Patch::load("patch_value")?;
    let both = Patch::load("patch_both")?;
    let twin = Patch::load("patch_twin")?;
    value.disable()?;
    target::expect("first", "2")?;
    target::expect("twin_b", "22")?;
    both.retire()?;
    value.enable()?;
    target::expect("value", "2")?;
    target::expect("first", "1")?;
    twin.retire()?;
    target::expect("twin_b", "2")?;
    value.retire()
}
