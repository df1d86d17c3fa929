// SPDX-License-Identifier: GPL-2.0

//! The gate.

use std::mem::size_of;

use super::pure::gate::{Gate, Side};

#[test]
fn a_flip_changes_the_side_and_closes() {
    let gate = Gate::new();
    let before = gate.read();
    assert!(!gate.flip(), "a closed gate was flipped");
    gate.open();
    assert!(gate.read().is_open());
    assert_eq!(gate.read().side(), before.side());
    assert!(gate.flip());
    assert!(!gate.read().is_open());
    assert_eq!(gate.read().side(), before.side().other());
    gate.close();
    assert!(!gate.flip());
    assert!(!gate.read().is_open());
    assert_eq!(gate.read().side(), before.side().other());
}

/// A side is the distance between two words, which the handler adds to the address of the first.
#[test]
fn sides_are_offsets_of_words() {
    let gate = Gate::new();
    let mut offsets = Vec::new();
    for _ in 0..4 {
        let side = gate.read().side();
        assert_eq!(side.other().other(), side);
        offsets.push(side.offset());
        gate.open();
        assert_eq!(gate.read().side(), side, "an open gate has the side it had");
        assert!(gate.flip());
    }
    assert_eq!(offsets, [0, size_of::<usize>(), 0, size_of::<usize>()]);
}

#[test]
fn a_veto_keeps_the_side() {
    let gate = Gate::new();
    gate.open();
    let seen = gate.read();
    assert_eq!(gate.veto().side(), seen.side());
    assert!(!gate.read().is_open());
    assert_eq!(gate.read().side(), seen.side());
    assert!(!gate.flip(), "flipped after a veto");
    // A second NMI that saw the gate open as well.
    assert_eq!(gate.veto().side(), seen.side());
    gate.close();
    gate.open();
    assert!(gate.flip(), "a veto outlived its window");
}

#[test]
fn a_veto_after_the_flip_gets_the_new_side() {
    let gate = Gate::new();
    gate.open();
    let seen = gate.read();
    assert!(gate.flip());
    let now = gate.veto();
    assert_ne!(now.side(), seen.side());
    assert_eq!(now, gate.read());
}

/// Flip and veto at the same time: exactly one wins, and whoever loses knows the side in force.
#[test]
fn flip_and_veto_race() {
    use std::sync::Barrier;

    const ROUNDS: usize = 20_000;
    let gate = Gate::new();
    let (start, end) = (Barrier::new(3), Barrier::new(3));
    let mut flips = 0;
    std::thread::scope(|scope| {
        let vetoers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut sides = Vec::with_capacity(ROUNDS);
                    for _ in 0..ROUNDS {
                        start.wait();
                        let seen = gate.read();
                        let now = match seen.is_open() {
                            true => gate.veto(),
                            false => seen,
                        };
                        sides.push(now.side());
                        end.wait();
                    }
                    sides
                })
            })
            .collect();
        let mut history = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let before = gate.read().side();
            gate.open();
            start.wait();
            let flipped = gate.flip();
            end.wait();
            gate.close();
            let after = gate.read().side();
            assert_eq!(flipped, before != after);
            flips += usize::from(flipped);
            history.push((before, after, flipped));
        }
        for vetoer in vetoers {
            let sides = vetoer.join().expect("no thread panics");
            for (side, (before, after, flipped)) in sides.into_iter().zip(&history) {
                // Whoever took part before a successful flip would have made it fail.
                assert_eq!(side, if *flipped { *after } else { *before });
            }
        }
    });
    assert!(
        flips > 0 && flips < ROUNDS,
        "only one side ever won: {flips}"
    );
}

/// The handler takes the whole word for an offset unless its sign bit is set.
#[test]
fn transitions_are_attended_to_the_end() {
    let gate = Gate::new();
    // SAFETY: a gate is one word, as the handler takes it.
    let word = || unsafe { *std::ptr::from_ref(&gate).cast::<i32>() };
    assert_eq!(gate.read().side(), Side::FIRST);
    gate.attend();
    gate.attend();
    for _ in 0..3 {
        gate.open();
        gate.veto();
        assert!(word() < 0, "a veto ended a transition");
        gate.close();
        gate.open();
        assert!(gate.flip());
        assert!(word() < 0, "a flip ended a transition");
        gate.close();
        assert!(word() < 0, "a window ended a transition");
        assert!(!gate.read().is_open());
    }
    gate.dismiss();
    assert!(word() < 0, "one transition ended two");
    gate.dismiss();
    assert_eq!(word() as usize, gate.read().side().offset());
    assert_eq!(gate.read().side(), Side::FIRST.other());
}
