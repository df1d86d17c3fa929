// SPDX-License-Identifier: GPL-2.0

//! The set of who stays behind.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicUsize;

use super::pure::member_set::{Joined, MemberSet};

fn member_set(slots: usize) -> MemberSet<Vec<AtomicUsize>> {
    let slots = (0..slots).map(|_| AtomicUsize::new(0)).collect();
    MemberSet::new(slots).expect("a power of two")
}

fn value(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number * 64).expect("not 0")
}

fn members(set: &MemberSet<Vec<AtomicUsize>>) -> Vec<usize> {
    let mut members = Vec::new();
    set.for_each(|_, value| members.push(value.get() / 64));
    members.sort_unstable();
    members
}

#[test]
fn sets_have_a_power_of_two_of_slots() {
    for slots in [0, 1, 3, 6, 1000] {
        let slots: Vec<_> = (0..slots).map(|_| AtomicUsize::new(0)).collect();
        assert!(MemberSet::new(slots).is_none());
    }
}

#[test]
fn members_are_held_until_they_leave() {
    let set = member_set(16);
    for number in 1..=8 {
        assert!(!set.holds(value(number)));
        assert_eq!(set.join(value(number)), Joined::New);
        assert_eq!(set.join(value(number)), Joined::Known);
    }
    assert_eq!(set.join(value(9)), Joined::Full);
    assert_eq!(set.join(value(8)), Joined::Known, "also when it is full");
    assert_eq!(members(&set), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(set.leave(value(3)));
    assert!(!set.leave(value(3)), "twice");
    assert!(!set.leave(value(9)), "never joined");
    assert!(!set.holds(value(3)));
    assert_eq!(set.len(), 7);
    assert_eq!(
        set.join(value(3)),
        Joined::Known,
        "back before it was swept"
    );
    assert!(set.leave(value(3)));
    let mut swept = Vec::new();
    set.sweep(|value| swept.push(value.get() / 64));
    set.sweep(|_| panic!("swept twice"));
    assert_eq!(swept, [3]);
    assert_eq!(set.join(value(3)), Joined::New, "back after it was swept");
}

/// Joins and leaves from a generator, against a plain set; what joined as new is swept once.
#[test]
fn random_members_agree_with_a_plain_set() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let set = member_set(64);
    let (mut plain, mut kept) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..100_000 {
        let number = 1 + random(40);
        match random(8) {
            0..=3 => match set.join(value(number)) {
                Joined::New => {
                    assert!(plain.insert(number));
                    kept += 1;
                }
                Joined::Known => {
                    plain.insert(number);
                }
                Joined::Full => assert!(plain.len() >= 32 && !plain.contains(&number)),
            },
            4..=6 => assert_eq!(set.leave(value(number)), plain.remove(&number)),
            _ => set.sweep(|value| {
                assert!(!plain.contains(&(value.get() / 64)));
                kept -= 1;
            }),
        }
        assert_eq!(set.holds(value(number)), plain.contains(&number));
        assert_eq!(set.len(), plain.len());
    }
    assert!(members(&set).into_iter().eq(plain.iter().copied()));
    set.sweep(|_| kept -= 1);
    assert_eq!(kept, plain.len(), "each reference is given back once");
}

/// Each thread sees its own values exactly, whatever others do and however often the set is swept.
#[test]
fn owners_see_their_own_membership() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let set = member_set(256);
    let (done, kept) = (AtomicBool::new(false), AtomicUsize::new(0));
    let sweep = || {
        set.sweep(|_| {
            kept.fetch_sub(1, Ordering::Relaxed);
        })
    };
    std::thread::scope(|scope| {
        let owners: Vec<_> = (0..3)
            .map(|owner| {
                let (set, kept) = (&set, &kept);
                scope.spawn(move || {
                    for round in 0..60_000 {
                        let own = value(1 + owner * 1000 + round % 17);
                        if set.holds(own) {
                            assert!(set.leave(own));
                            assert!(!set.holds(own));
                            continue;
                        }
                        if set.join(own) == Joined::New {
                            kept.fetch_add(1, Ordering::Relaxed);
                        }
                        assert!(set.holds(own));
                    }
                })
            })
            .collect();
        let sweeper = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sweep();
            }
        });
        for owner in owners {
            owner.join().expect("no owner panics");
        }
        done.store(true, Ordering::Relaxed);
        sweeper.join().expect("the sweeper does not panic");
    });
    sweep();
    assert_eq!(kept.into_inner(), set.len());
    assert_eq!(members(&set).len(), set.len());
}
