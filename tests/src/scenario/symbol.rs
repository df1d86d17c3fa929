// SPDX-License-Identifier: GPL-2.0
//! What patches use of the kernel although it is not exported, system calls, static keys and calls.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::snapshot::Snapshot;
use crate::guest::syscall::{compat, native, Arguments};
use crate::guest::{check, journal, late, log, module, target, tracefs, Guest};

scenarios! { symbol:
    function_and_variable,
    position_among_equal_names,
    missing,
    ambiguous_or_too_few,
    static_key,
    static_call,
    of_a_module,
    of_a_module_that_comes_back,
    of_a_module_that_goes_with_the_patch,
    of_a_module_that_comes_later,
    missing_in_a_module,
    system_call_without_arguments,
    arguments_of_a_system_call,
    system_call_of_a_sample,
}

fn version() -> Result<String> {
    Ok(fs::read_to_string("/proc/version")?.trim_end().to_owned())
}

/// The sample `private`: what the kernel counts, against where it shows it.
fn function_and_variable(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let original = version()?;
    let patch = Patch::load("private")?;
    check::eventually("both counters agree with /proc", || {
        let seen = version()?;
        let stat = fs::read_to_string("/proc/stat")?;
        let ever = stat
            .lines()
            .find_map(|line| line.strip_prefix("processes "));
        let now = fs::read_dir("/proc")?
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
            .count();
        let ever = ever.context("no count of processes in /proc/stat")?;
        Ok(seen == format!("{now} processes of {ever} since the start"))
    })?;
    // A patch is a live patch, the core is not.
    let taint = |module| fs::read_to_string(format!("/sys/module/{module}/taint"));
    ensure!(taint("private")?.contains('K'), "{}", taint("private")?);
    ensure!(!taint("molt")?.contains('K'), "{}", taint("molt")?);
    patch.disable()?;
    check::equal("/proc/version", version()?, original)?;
    patch.remove()
}

/// The second and the tenth of one name, as the kernel's own list has them.
fn position_among_equal_names(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let symbols = fs::read_to_string("/proc/kallsyms")?;
    let all: Vec<&str> = symbols
        .lines()
        .filter(|line| line.ends_with(" __already_done.0"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    ensure!(all.len() >= 10, "only {} of one name", all.len());
    let patch = Patch::load("patch_positions")?;
    check::equal("addresses", version()?, format!("{} {}", all[1], all[9]))?;
    patch.retire()
}

/// Loading this must fail with these words in the log, and change nothing.
fn expect_unresolved(name: &str, words: &str) -> Result<()> {
    let before = Snapshot::take()?;
    for _ in 0..2 {
        module::refuse(name, "", Errno::INVAL)?;
        before.expect_same()?;
    }
    check::contains("the log", &log::read()?, words)
}

/// The kernel's loader refuses the patch before its first instruction.
fn missing(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    module::edit("private", "edited", "nr_processes,0", "nr_processez,0")?;
    expect_unresolved("edited", "symbol 'nr_processez' not found")?;
    module::edit("private", "edited", "total_forks,0", "total_forkz,0")?;
    expect_unresolved("edited", "symbol 'total_forkz' not found")?;
    // The same module as it should be.
    Patch::load("private")?.retire()
}

fn ambiguous_or_too_few(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let edit = |new| module::edit("patch_positions", "edited", "already_done.0,10", new);
    edit("already_done.0,00")?;
    expect_unresolved(
        "edited",
        "unresolvable ambiguity for symbol '__already_done.0'",
    )?;
    module::edit("patch_positions", "edited", ".0,10\0", ".9,97\0")?;
    expect_unresolved("edited", "__already_done.9")
}

/// The sample `switches` follows a key of the kernel, whatever it was when the patch came.
fn static_key(_: &Guest) -> Result<()> {
    const EVENT: &str = "events/sched/sched_process_fork/enable";
    module::load_all(&["molt"])?;
    let expect = |words: &str| -> Result<()> {
        let seen = version()?;
        check::equal("the key", seen.split(' ').next(), Some(words))
    };
    for key in ["0", "1"] {
        tracefs::write(EVENT, key)?;
        let patch = Patch::load("switches")?;
        for _ in 0..3 {
            expect(if tracefs::read(EVENT)?.trim() == "1" {
                "traced"
            } else {
                "untraced"
            })?;
            tracefs::write(EVENT, "1")?;
            expect("traced")?;
            tracefs::write(EVENT, "0")?;
            expect("untraced")?;
        }
        patch.retire()?;
    }
    // The patch's branch is forgotten with it.
    tracefs::write(EVENT, "1")?;
    tracefs::write(EVENT, "0")
}

/// The sample `switches` reads a clock through a static call.
fn static_call(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let patch = Patch::load("switches")?;
    let clock = || -> Result<u64> {
        let seen = version()?;
        let clock = seen.split(' ').nth(1).context("no clock")?;
        clock.parse().with_context(|| seen.clone())
    };
    let before = clock()?;
    thread::sleep(Duration::from_millis(200));
    let passed = clock()?.saturating_sub(before);
    // The guest's clocks agree only roughly.
    ensure!(
        (20_000_000..20_000_000_000).contains(&passed),
        "{passed} ns"
    );
    patch.retire()
}

/// A static function, a static variable, a static call.
fn of_a_module(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    target::expect("private", "6")?;
    let patch = Patch::load("patch_private")?;
    target::expect("private", "501051")?;
    target::set("hidden", 6)?;
    target::expect("private", "601061")?;
    target::set("two", 1)?;
    target::expect("private", "601062")?;
    target::set("two", 0)?;
    for _ in 0..3 {
        patch.disable()?;
        target::expect("private", "7")?;
        patch.enable()?;
        target::expect("private", "601061")?;
    }
    patch.retire()
}

/// The module returns to another address, and the patch follows, also one that was disabled
/// meanwhile.
fn of_a_module_that_comes_back(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_private")?;
    let mut places = Vec::new();
    for (other, is_disabled) in [("journal", false), ("late", true), ("nmi_source", false)] {
        target::expect("private", "501051")?;
        places.push(patch.attribute("target/target_private,1/old_addr")?);
        if is_disabled {
            patch.disable()?;
        }
        module::remove_all(&["target"])?;
        // Something else where it was.
        module::load_all(&[other])?;
        module::load_all(&["target"])?;
        if is_disabled {
            target::expect("private", "6")?;
            patch.enable()?;
        }
    }
    places.dedup();
    ensure!(places.len() > 1, "the module never moved: {places:?}");
    target::expect("private", "501051")?;
    patch.retire()?;
    target::expect("private", "6")
}

/// Both at the same moment: the symbols of a patch that is off are still bound, and its memory may
/// be gone.
fn of_a_module_that_goes_with_the_patch(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let before = Snapshot::take()?;
    for round in 0..40 {
        module::load_all(&["target"])?;
        let patch = Patch::load("patch_private")?;
        target::expect("private", "501051")?;
        patch.disable()?;
        let goes = thread::spawn(move || {
            thread::sleep(Duration::from_micros(round * 250));
            module::remove_all(&["target"])
        });
        patch.remove()?;
        goes.join().expect("it does not panic")?;
    }
    before.expect_same()
}

fn of_a_module_that_comes_later(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "journal"])?;
    let patch = Patch::load("patch_private_late")?;
    check::equal("state", patch.attribute("late/state")?.as_str(), "pending")?;
    for _ in 0..3 {
        module::load_all(&["late"])?;
        late::expect("other", "41")?;
        module::remove_all(&["late"])?;
    }
    module::load_all(&["late"])?;
    patch.disable()?;
    late::expect("other", "1")?;
    patch.enable()?;
    late::expect("other", "41")?;
    patch.retire()?;
    journal::clear()
}

/// Found by the core when the module is there, and again when it comes later.
fn missing_in_a_module(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target", "journal"])?;
    module::edit(
        "patch_private",
        "edited",
        "target_hidden,0",
        "target_hiddem,0",
    )?;
    let before = Snapshot::take()?;
    for _ in 0..2 {
        patch::refuse("edited", "", Errno::NOENT, "not_found")?;
        check::contains("last_error", &patch::last_error(), "target_hiddem")?;
        before.expect_same()?;
    }
    // The name that the replacement is declared with is another.
    module::edit(
        "patch_private_late",
        "edited_late",
        ".late.late_value,0",
        ".late.late_valve,0",
    )?;
    module::load_all(&["edited_late"])?;
    let patch = Patch::loaded("patch_private_late");
    module::refuse("late", "", Errno::NOENT)?;
    patch.disable()?;
    module::load_all(&["late"])?;
    late::expect("other", "1")?;
    patch.refuse("1", Errno::NOENT, "not_found")?;
    late::expect("other", "1")?;
    patch.remove()
}

/// Numbers of `getpid` for programs of 64 and of 32 bits.
const GETPID: [u64; 2] = [libc::SYS_getpid as u64, 20];

fn system_call_without_arguments(_: &Guest) -> Result<()> {
    let pid = i64::from(std::process::id());
    let seen = || {
        [
            native(GETPID[0] as libc::c_long, [0; 6]),
            compat(GETPID[1], [0; 6]),
        ]
    };
    check::equal("getpid", seen(), [pid; 2])?;
    module::load_all(&["molt"])?;
    let patch = Patch::load("patch_syscall")?;
    check::equal("getpid", seen(), [1 << 24; 2])?;
    patch.disable()?;
    check::equal("getpid", seen(), [pid; 2])?;
    patch.remove()
}

/// Each argument in its register, as wide as its type, and extended as the kernel does.
fn arguments_of_a_system_call(_: &Guest) -> Result<()> {
    const NATIVE: libc::c_long = libc::SYS_process_vm_readv;
    const COMPAT: u64 = 347;
    // Negative as 32 bits; what lies above is garbage in a program of 32 bits.
    let registers: Arguments =
        [0xfff6, 0xffe5, 0xffd4, 0xffc3, 0xffb2, 0xffa1].map(|low| 0x1234_5678_ffff_0000 | low);
    let sum = |numbers: [i64; 6]| {
        let weighed = (1..)
            .zip(numbers)
            .map(|(weight, number): (i64, i64)| number.wrapping_mul(weight));
        weighed.fold(0, i64::wrapping_add)
    };
    let int = |register: u64| i64::from(register as i32);
    let word = |register: u64| i64::from(register as u32);
    let [a, b, c, d, e, f] = registers;
    let whole = |register: u64| register as i64;

    // Nobody's memory: no such process.
    let nobody: Arguments = [0x7fff_ffff, 0, 0, 0, 0, 0];
    let original = [native(NATIVE, nobody), compat(COMPAT, nobody)];
    module::load_all(&["molt"])?;
    let patch = Patch::load("patch_syscall")?;
    check::equal(
        "64 bits",
        native(NATIVE, registers),
        sum([int(a), whole(b), whole(c), whole(d), whole(e), word(f)]),
    )?;
    // `c` is a long: extended by its sign.
    check::equal(
        "32 bits",
        compat(COMPAT, registers),
        sum([int(a), word(b), int(c), word(d), word(e), word(f)]),
    )?;
    patch.disable()?;
    check::equal(
        "without the patch",
        [native(NATIVE, nobody), compat(COMPAT, nobody)],
        original,
    )?;
    patch.remove()
}

/// The sample `hostname`.
fn system_call_of_a_sample(_: &Guest) -> Result<()> {
    const SETHOSTNAME: [u64; 2] = [libc::SYS_sethostname as u64, 74];
    let set = || {
        // No name at all, which takes no pointer.
        [
            native(SETHOSTNAME[0] as libc::c_long, [0; 6]),
            compat(SETHOSTNAME[1], [0; 6]),
        ]
    };
    check::equal("sethostname", set(), [0; 2])?;
    module::load_all(&["molt"])?;
    let patch = Patch::load("hostname")?;
    check::equal("sethostname", set(), [-i64::from(libc::EPERM); 2])?;
    patch.disable()?;
    check::equal("sethostname", set(), [0; 2])?;
    patch.remove()
}
