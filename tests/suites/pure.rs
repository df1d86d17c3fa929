// SPDX-License-Identifier: GPL-2.0

//! The core's pure logic, compiled for the host: the gate, the ranges, the rule of states, the
//! arguments of system calls, the table of targets, the queue of who ran, the set of who stays
//! behind.

#[path = "../../src/edge/arch/x86_64/call.rs"]
mod call;
#[path = "../../src/pure/mod.rs"]
#[expect(dead_code, reason = "what only the core uses")]
mod pure;
#[path = "../../src/edge/arch/x86_64/syscall.rs"]
mod syscall;

#[path = "pure/flips.rs"]
mod flips;
#[path = "pure/members.rs"]
mod members;

use std::mem::size_of;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use pure::ranges::{Range, Ranges};
use pure::unique_queue::{Pushed, UniqueQueue};
use pure::versions::{Conflict, Known};
use pure::{targets, versions};
use syscall::Argument;

/// Whether the set of `ranges` holds each of `addresses`, compared with the plain definition.
fn agree(ranges: &[(usize, usize)], addresses: impl Iterator<Item = usize>) {
    let mut memory: Vec<Range> = ranges
        .iter()
        .map(|&(start, end)| Range { start, end })
        .collect();
    let set = Ranges::new(&mut memory);
    for address in addresses {
        // A frame's address may lie directly behind the range: the return address of a last call.
        let expected = ranges
            .iter()
            .any(|&(start, end)| start < end && start <= address && address <= end);
        assert_eq!(
            set.hold(address),
            expected,
            "{address:#x} in {ranges:x?}, kept as {set:x?}"
        );
    }
}

#[test]
fn no_ranges_hold_nothing() {
    agree(&[], [0, 1, usize::MAX].into_iter());
    agree(&[(5, 5), (7, 3)], 0..10);
}

#[test]
fn a_range_holds_its_ends() {
    agree(&[(0x10, 0x20)], 0..0x30);
    agree(&[(usize::MAX - 3, usize::MAX)], usize::MAX - 8..=usize::MAX);
}

#[test]
fn ranges_are_sorted_and_merged() {
    agree(
        &[(30, 40), (10, 20), (20, 25), (12, 15), (38, 50), (60, 61)],
        0..70,
    );
}

/// Every set of four small ranges from a generator, against the definition.
#[test]
fn random_sets_agree_with_the_definition() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below) as usize
    };
    for _ in 0..20_000 {
        let count = random(9);
        let ranges: Vec<(usize, usize)> = (0..count)
            .map(|_| {
                let start = random(60);
                (start, start + random(8))
            })
            .collect();
        agree(&ranges, 0..72);
    }
}

/// The states of a patch: ids and versions.
fn states(list: &[(usize, u32)]) -> impl Iterator<Item = Known> + Clone + '_ {
    list.iter().map(|&(id, version)| Known { id, version })
}

/// Whether a patch with the states `ours` may be enabled on one with `theirs`.
fn compatible(ours: &[(usize, u32)], replaces: bool, theirs: &[(usize, u32)]) -> bool {
    versions::conflict(states(ours), replaces, states(theirs)).is_none()
}

#[test]
fn a_state_nobody_has_is_allowed() {
    for replaces in [false, true] {
        assert!(compatible(&[], replaces, &[]));
        assert!(compatible(&[(1, 0)], replaces, &[]));
        assert!(compatible(&[(2, 5), (1, 3)], replaces, &[(1, 3)]));
    }
}

#[test]
fn a_state_is_known_in_the_same_version_or_a_higher_one() {
    for replaces in [false, true] {
        for ours in 0..4 {
            for theirs in 0..4 {
                assert_eq!(
                    compatible(&[(8, 9), (7, ours)], replaces, &[(7, theirs)]),
                    ours >= theirs,
                    "{ours} on {theirs}"
                );
            }
        }
    }
}

#[test]
fn who_replaces_knows_every_state() {
    assert!(!compatible(&[], true, &[(1, 0)]));
    assert!(compatible(&[], false, &[(1, 0)]));
    assert!(!compatible(&[(1, 9)], true, &[(1, 1), (2, 0)]));
    assert!(compatible(&[(1, 9)], false, &[(1, 1), (2, 0)]));
    assert!(compatible(&[(2, 0), (1, 1)], true, &[(1, 1), (2, 0)]));
}

#[test]
fn a_conflict_says_what_it_is_about() {
    let conflict =
        |ours, replaces| versions::conflict(states(ours), replaces, states(&[(4, 1), (5, 2)]));
    let theirs = Known { id: 5, version: 2 };
    assert_eq!(
        conflict(&[(4, 1), (5, 1)], false),
        Some(Conflict {
            theirs,
            ours: Some(1)
        })
    );
    assert_eq!(
        conflict(&[(4, 1)], true),
        Some(Conflict { theirs, ours: None })
    );
}

#[test]
fn an_id_that_is_named_twice_is_found() {
    assert_eq!(versions::named_twice(states(&[])), None);
    assert_eq!(
        versions::named_twice(states(&[(1, 1), (2, 1), (3, 1)])),
        None
    );
    assert_eq!(
        versions::named_twice(states(&[(1, 1), (2, 1), (1, 2)])),
        Some(1)
    );
    assert_eq!(
        versions::named_twice(states(&[(3, 1), (2, 1), (2, 1)])),
        Some(2)
    );
}

/// All bits that a program of 32 bits does not set, and a negative number of 32 bits.
const REGISTER: usize = 0xdead_beef_ffff_fff6;

#[test]
fn a_program_of_64_bits_fills_registers() {
    assert_eq!(u8::native(REGISTER), 0xf6);
    assert_eq!(i32::native(REGISTER), -10);
    assert_eq!(u32::native(REGISTER), 0xffff_fff6);
    assert_eq!(isize::native(REGISTER), REGISTER as isize);
    assert_eq!(u64::native(REGISTER), REGISTER as u64);
    assert_eq!(<*mut u8>::native(REGISTER) as usize, REGISTER);
    assert_eq!(<*const u8>::native(REGISTER) as usize, REGISTER);
}

/// As the kernel has it: `long` by its sign, all others by zeros, and what is above is dropped.
#[test]
fn a_program_of_32_bits_fills_their_lower_halves() {
    assert_eq!(i16::compat(REGISTER), -10);
    assert_eq!(i32::compat(REGISTER), -10);
    assert_eq!(isize::compat(REGISTER), -10);
    assert_eq!(i64::compat(REGISTER), 0xffff_fff6);
    assert_eq!(u64::compat(REGISTER), 0xffff_fff6);
    assert_eq!(usize::compat(REGISTER), 0xffff_fff6);
    assert_eq!(<*mut u8>::compat(REGISTER) as usize, 0xffff_fff6);
    assert_eq!(<*const u8>::compat(REGISTER) as usize, 0xffff_fff6);
}

/// An empty queue, made as the core makes it.
fn queue() -> Box<UniqueQueue> {
    // SAFETY: zeroes are an empty queue, says its documentation.
    Box::new(unsafe { std::mem::zeroed() })
}

fn task(number: usize) -> NonZeroUsize {
    // As far apart as tasks are in their slabs.
    NonZeroUsize::new(0xffff_8880_0000_0000 + number * 0x2980).expect("not 0")
}

fn push(queue: &UniqueQueue, number: usize) -> Pushed {
    let mut kept = false;
    let pushed = queue.push(task(number), || kept = true);
    assert_eq!(kept, pushed == Pushed::New, "keep() and {pushed:?}");
    pushed
}

fn content(queue: &UniqueQueue) -> Vec<NonZeroUsize> {
    let mut content = Vec::new();
    let end = queue.for_each(|value| {
        content.push(value);
        ControlFlow::Continue(())
    });
    assert_eq!(end, ControlFlow::Continue(()));
    content
}

#[test]
fn a_queue_keeps_order_and_no_value_twice() {
    let queue = queue();
    assert_eq!(queue.pop(), None);
    for round in 0..300 {
        for number in [3, 1, 2, 1, 3] {
            push(&queue, number);
        }
        assert_eq!(push(&queue, 1), Pushed::Known, "round {round}");
        assert_eq!(queue.len(), 3);
        assert_eq!(content(&queue), [task(3), task(1), task(2)]);
        assert!(queue.holds(task(2)) && !queue.holds(task(4)));
        assert_eq!(queue.pop(), Some(task(3)));
        assert!(!queue.holds(task(3)));
        // Who was taken out comes in anew, at the end.
        assert_eq!(push(&queue, 3), Pushed::New);
        assert_eq!(content(&queue), [task(1), task(2), task(3)]);
        while queue.pop().is_some() {}
        assert_eq!(queue.len(), 0);
    }
}

#[test]
fn a_visit_breaks_off() {
    let queue = queue();
    for number in 0..10 {
        push(&queue, number);
    }
    let mut visited = 0;
    let end = queue.for_each(|_| {
        visited += 1;
        if visited == 4 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!((end, visited), (ControlFlow::Break(()), 4));
}

/// It says so when it loses a value, and loses none while it is half full.
#[test]
fn a_full_queue_says_so() {
    let queue = queue();
    let mut lost = 0;
    for number in 0..3000 {
        let pushed = push(&queue, number);
        assert_eq!(queue.holds(task(number)), pushed == Pushed::New);
        assert!(pushed == Pushed::New || number > 512, "{number} was lost");
        lost += usize::from(pushed == Pushed::Lost);
    }
    assert_eq!(queue.len(), 3000 - lost);
    assert_eq!(content(&queue).len(), 3000 - lost);
    assert!(queue.len() <= 1024);
    while queue.pop().is_some() {}
    assert_eq!(push(&queue, 1), Pushed::New);
}

/// One side pushes while another pops: what was pushed as new comes out once, and what was known
/// was in the queue, so it comes out after that.
#[test]
fn pushed_while_popped() {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    const VALUES: usize = 100;
    const PUSHES: usize = 400_000;
    let queue = queue();
    let over = AtomicBool::new(false);
    // What a task's state is for the core: each value's owner raises it before each push, and
    // whoever takes the value out reads it after.
    let raised: Vec<AtomicUsize> = (0..VALUES).map(|_| AtomicUsize::new(0)).collect();
    let (new, (popped, seen)) = std::thread::scope(|scope| {
        let popper = scope.spawn(|| {
            let mut popped = 0;
            let mut seen = vec![0; VALUES];
            loop {
                let last = over.load(Ordering::SeqCst);
                while let Some(value) = queue.pop() {
                    let number = (0..VALUES).find(|&number| task(number) == value);
                    let number = number.expect("one that was pushed");
                    seen[number] = raised[number].load(Ordering::SeqCst);
                    popped += 1;
                }
                if last {
                    return (popped, seen);
                }
            }
        });
        let mut new = 0;
        for turn in 0..PUSHES {
            let number = turn * 7 % VALUES;
            raised[number].fetch_add(1, Ordering::SeqCst);
            match push(&queue, number) {
                Pushed::New => new += 1,
                Pushed::Known => {}
                Pushed::Lost => panic!("lost one of {VALUES}"),
            }
        }
        over.store(true, Ordering::SeqCst);
        (new, popper.join().expect("it does not panic"))
    });
    assert_eq!(new, popped);
    for number in 0..VALUES {
        let last = raised[number].load(Ordering::SeqCst);
        assert_eq!(seen[number], last, "the last push of {number} was not seen");
    }
}

/// Sites as they lie in a kernel: at the start of functions of all sizes, or behind ENDBR.
fn sites(count: usize) -> Vec<usize> {
    let mut address = 0xffff_ffff_8120_0000_usize;
    let mut state = count as u64 + 1;
    let mut sites = Vec::new();
    while sites.len() < count {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        address += 16 * (1 + (state >> 33) as usize % 400);
        sites.push(address + 4 * (state >> 63) as usize);
    }
    sites
}

/// Each function has an entry of its own, inside the table, and no address leads outside.
#[test]
fn a_table_has_no_collisions() {
    for count in (1..40).chain([64, 100, 101, 250, 1000]) {
        let sites = sites(count);
        let layout = targets::lay_out(&sites, |bytes| Some(vec![0; bytes])).expect("a layout");
        let (size, entries) = (size_of::<targets::Entry>(), layout.entries());
        assert!(entries.is_power_of_two(), "{entries} entries for {count}");
        assert!(
            entries <= (32 * count).max(count * count),
            "{entries} entries for {count}"
        );
        let mut offsets: Vec<usize> = sites
            .iter()
            .map(|&site| layout.offset(site) as usize)
            .collect();
        assert!(offsets.iter().all(|offset| offset % size == 0));
        assert!(offsets.iter().all(|&offset| offset / size < entries));
        offsets.sort_unstable();
        offsets.dedup();
        assert_eq!(offsets.len(), count, "two share an entry");
        for stranger in [0, 1, usize::MAX, 0xdead_beef] {
            let offset = layout.offset(stranger) as usize;
            assert!(offset % size == 0 && offset / size < entries);
        }
    }
}

/// Neighbours in one large function table, and sites that differ in their upper bits only.
#[test]
fn a_table_takes_regular_sites() {
    for step in [16, 32, 64, 4096, 1 << 20] {
        let sites: Vec<usize> = (0..100).map(|n| 0xffff_ffff_8100_0004 + n * step).collect();
        let layout = targets::lay_out(&sites, |bytes| Some(vec![0; bytes]));
        assert!(layout.is_some(), "none for steps of {step}");
    }
}

#[test]
fn a_table_that_is_impossible_is_refused() {
    // Named twice.
    assert!(targets::lay_out(&[16, 16], |bytes| Some(vec![0; bytes])).is_none());
    // No memory.
    assert!(targets::lay_out(&[16, 32], |_| None::<Vec<u8>>).is_none());
}

/// What looks like a call of x86-64, and where it goes.
mod calls {
    use super::call;
    use super::pure::address::FtraceSite;

    #[test]
    fn go_from_behind_themselves() {
        // nop; call +0x10; ret; and the beginning of a call.
        let code = [0x90, 0xe8, 0x10, 0, 0, 0, 0xc3, 0xe8, 0, 0];
        let targets: Vec<_> = call::targets(0x1000, &code).collect();
        assert_eq!(targets, [0x1006 + 0x10]);
    }

    #[test]
    fn go_backwards() {
        let code = [0xe8, 0xfb, 0xff, 0xff, 0xff];
        assert_eq!(call::targets(0x1000, &code).collect::<Vec<_>>(), [0x1000]);
    }

    #[test]
    fn are_found_across_pieces() {
        let code = [0x90, 0x90, 0xe8, 0x10, 0, 0, 0, 0x90];
        for cut in 5..code.len() {
            let first = call::targets(0x1000, &code[..cut]);
            let again = cut - call::overlap();
            let second = call::targets(0x1000 + again, &code[again..]);
            let found: Vec<_> = first.chain(second).collect();
            assert_eq!(found, [0x1017], "cut at {cut}");
        }
    }

    #[test]
    fn an_entry_may_begin_with_endbr() {
        const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
        assert_eq!(call::LAST_SITE, ENDBR.len());
    }

    #[test]
    fn push_the_address_behind_them() {
        assert_eq!(call::return_address(FtraceSite(0x1004)), 0x1009);
    }
}

#[test]
fn pauses_double_up_to_the_longest() {
    let mut backoff = pure::backoff::Backoff::new(1, 5);
    let pauses: Vec<_> = (0..5).map(|_| backoff.next_pause()).collect();
    assert_eq!(pauses, [1, 2, 4, 5, 5]);
    backoff.restart();
    assert_eq!(backoff.next_pause(), 1);
}
