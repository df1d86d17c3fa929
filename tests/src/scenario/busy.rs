// SPDX-License-Identifier: GPL-2.0
//! A task that is inside a function is in the way: refused with its name while it
//! is there, accepted once it has left.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, target, tracefs, Guest};

scenarios! { busy:
    asleep_in_the_function.only_stop_machine("pertask::sleeper"),
    asleep_in_a_callee.only_stop_machine("pertask::asleep_in_a_callee"),
    asleep_in_the_cold_part.only_stop_machine("pertask::asleep_in_the_cold_part"),
    asleep_deep_below.only_stop_machine("pertask::asleep_deep_below"),
    running_in_the_function.only_stop_machine("pertask::running_in_the_function"),
    many_asleep.only_stop_machine("pertask::many_behind"),
    asleep_in_the_replacement.only_stop_machine("pertask::disabled_around_a_sleeper"),
    leaves_in_time.only_stop_machine("pertask::automatic"),
    never_stops_the_machine
        .only_stop_machine("the other model stops it, and leaves the task behind"),
    killed_blocker.only_stop_machine("pertask::killed_in_the_function"),
    requester_in_insmod,
    requester_in_write,
    preempted_in_trampoline.seconds(120).only_stop_machine("pertask::preempted_in_trampoline"),
}

/// A patch that must be refused because a task is in `function`, reached through
/// `/proc/target/FILE`; then the task leaves and the patch is accepted.
fn refused_then_accepted(patch: &str, file: &str, function: &str) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter(file)?;
    let before = Snapshot::take()?;
    sleeper.refuses(patch, function)?;
    before.expect_same()?;

    target::wake()?;
    let old = sleeper.leave()?;
    ensure!(
        old != "2",
        "the old {function} returned what the new one does"
    );
    let patch = Patch::load(patch)?;
    check::equal("blockers", patch.blockers()?, vec![])?;
    target::expect(file, "2").context("after the patch")?;
    patch.retire()
}

/// In its body.
fn asleep_in_the_function(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    sleeper.refuses("patch_nap", "target_nap")?;
    before.expect_same()?;
    target::wake()?;
    sleeper.returns("1")?;
    let patch = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.retire()
}

/// In another function that it called.
fn asleep_in_a_callee(_: &Guest) -> Result<()> {
    refused_then_accepted("patch_callee", "nap_in_callee", "target_nap_in_callee")
}

/// In the part that gcc moved away.
fn asleep_in_the_cold_part(_: &Guest) -> Result<()> {
    module::load_all(&["target"])?;
    let symbols = std::fs::read_to_string("/proc/kallsyms")?;
    ensure!(
        symbols.contains(" target_cold_nap.cold\t"),
        "target_cold_nap has no .cold part"
    );
    module::remove_all(&["target"])?;
    refused_then_accepted("patch_cold_nap", "cold_nap", "target_cold_nap.cold")
}

/// Below more than a hundred frames.
fn asleep_deep_below(_: &Guest) -> Result<()> {
    refused_then_accepted("patch_deep", "deep", "target_deep")
}

/// On a CPU, in kernel mode.
fn running_in_the_function(_: &Guest) -> Result<()> {
    refused_then_accepted("patch_spin", "spin", "target_spin")
}

/// Everybody is named.
fn many_asleep(guest: &Guest) -> Result<()> {
    const COUNT: usize = 20;
    module::load_all(&["molt", "target"])?;
    let mut sleepers = Vec::new();
    for _ in 0..COUNT {
        sleepers.push(Sleeper::enter("nap")?);
    }
    patch::refuse("patch_nap", "deadline_ms=300", Errno::BUSY, "busy")?;
    let blockers = patch::last_blockers();
    guest.note(format!("{} of {COUNT} named", blockers.len()));
    let known: BTreeSet<String> = sleepers
        .iter()
        .map(|sleeper| sleeper.pid().to_string())
        .collect();
    for line in &blockers {
        let pid = line.split(' ').next().unwrap_or_default();
        ensure!(known.contains(pid), "{line} is not one of {known:?}");
    }
    check::equal("blockers", blockers.len(), COUNT)?;
    target::wake()?;
    for sleeper in sleepers {
        sleeper.leave()?;
    }
    Patch::load("patch_nap")?.retire()
}

/// A disable waits for whoever is in the replacement, and is refused; the patch
/// stays on.
fn asleep_in_the_replacement(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load_with("patch_nap", "deadline_ms=300")?;
    let sleeper = Sleeper::enter("nap")?;
    let before = Snapshot::take()?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    let blockers = patch.blockers()?;
    let mine = blockers
        .iter()
        .find(|line| line.starts_with(&format!("{} {} ", sleeper.pid(), sleeper.comm())));
    ensure!(
        mine.is_some_and(|line| line.ends_with("[patch_nap]")),
        "the sleeper is not in [patch_nap] among {blockers:?}"
    );
    patch.expect_enabled(true)?;
    before.expect_same()?;
    check::refused("rmmod", module::remove("patch_nap"), Errno::AGAIN)?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.disable()?;
    let sleeper = Sleeper::enter("nap")?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.remove()
}

/// The transaction waits for a task that leaves before the deadline.
fn leaves_in_time(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    let waker = thread::spawn(|| {
        thread::sleep(Duration::from_millis(1500));
        target::wake()
    });
    let began = Instant::now();
    let patch = Patch::load_with("patch_nap", "deadline_ms=20000")?;
    let waited = began.elapsed();
    guest.note(format!("insmod took {waited:?}"));
    ensure!(
        waited > Duration::from_millis(1400),
        "did not wait: {waited:?}"
    );
    ensure!(
        waited < Duration::from_secs(10),
        "did not notice that the way is free: {waited:?}"
    );
    waker
        .join()
        .map_err(|_| anyhow::anyhow!("the waker panicked"))??;
    sleeper.returns("1")?;
    patch.retire()
}

/// Who is seen in the way before the stop costs no stop.
fn never_stops_the_machine(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let stops = tracefs::count_stops()?;
    let sleeper = Sleeper::enter("nap")?;
    let before = stops.hits()?;
    patch::refuse("patch_nap", "deadline_ms=1000", Errno::BUSY, "busy")?;
    check::equal("stops while the task is inside", stops.hits()? - before, 0)?;
    target::wake()?;
    sleeper.leave()?;
    let patch = Patch::load("patch_nap")?;
    let hits = stops.hits()? - before;
    guest.note(format!(
        "{hits} entries of multi_cpu_stop for the change itself"
    ));
    ensure!(hits > 0, "the counter does not see stops at all");
    patch.retire()?;
    stops.remove()
}

/// A blocker that dies is not in the way.
fn killed_blocker(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    patch::refuse("patch_nap", "deadline_ms=200", Errno::BUSY, "busy")?;
    sleeper.kill()?;
    Patch::load("patch_nap")?.retire()
}

/// Loading a patch of a function that `insmod` itself is in: it is let go with
/// success, and the change follows when it has left.
fn requester_in_insmod(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::loaded("patch_insmod");
    module::load("patch_insmod").with_context(|| format!("insmod: {}", patch::last_error()))?;
    patch.follows(true)?;
    // The replacement calls initialisers now.
    module::load_all(&["probe_owner"])?;
    module::remove_all(&["probe_owner"])?;
    patch.retire()
}

/// Switching a patch of a function that the write to `enabled` itself is in.
fn requester_in_write(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_write")?;
    for on in [false, true, false, true, false] {
        let value = if on { "1" } else { "0" };
        patch
            .write(value)
            .with_context(|| format!("enabled={value}"))?;
        patch.follows(on)?;
    }
    patch.remove()
}

/// A task that is preempted between the choice of the replacement and its first
/// instruction is inside, although no address of either is on its stack: only the
/// return address into the function's entry is.
///
/// By volume: more threads than CPUs call two tiny functions in a loop without a
/// pause, so most of their time is trampoline, and the clock preempts some of them
/// there. Each refused disable names them at the return address of the call at the
/// entry (+5, or +9 behind ENDBR): seeing such lines proves that the case occurred.
/// Then the pauses grow so that the change can succeed, the patch's text goes away
/// while the threads still run, and nobody may have met a mix or crashed.
fn preempted_in_trampoline(guest: &Guest) -> Result<()> {
    const ROUNDS: usize = 8;
    const TRIES: usize = 4;
    module::load_all(&["molt", "target"])?;
    let mut refused = 0;
    let mut blockers = InTrampoline::default();
    target::hammer(6)?;
    for _ in 0..ROUNDS {
        target::set("gap", CALM)?;
        let patch = eventually_loaded("patch_pair", "deadline_ms=100")?;
        target::set("gap", 0)?;
        for _ in 0..TRIES {
            if patch.write("0").is_ok() {
                // It found a moment without anybody; that is fine, too.
                target::set("gap", CALM)?;
                eventually_switched(&patch, "1")?;
                target::set("gap", 0)?;
                continue;
            }
            refused += 1;
            blockers.count(&patch)?;
        }
        target::set("gap", CALM)?;
        eventually_switched(&patch, "0")?;
        patch.remove()?;
    }
    target::hammer(0)?;
    guest.note(format!("{refused} refusals"));
    blockers.expect_some(guest)
}

/// Tasks that were in the way while threads call the pair, by whether they were preempted in the
/// trampoline.
#[derive(Default)]
pub struct InTrampoline {
    there: u32,
    elsewhere: u32,
}

impl InTrampoline {
    /// Counts those who are in the way of the patch now.
    pub fn count(&mut self, patch: &Patch) -> Result<()> {
        for line in patch.blockers()? {
            match patch::is_in_trampoline(&line) {
                true => self.there += 1,
                false => self.elsewhere += 1,
            }
        }
        Ok(())
    }

    /// The case must have occurred, and no call may have met a mix.
    pub fn expect_some(self, guest: &Guest) -> Result<()> {
        let Self { there, elsewhere } = self;
        let (old, new) = (target::count("olds")?, target::count("news")?);
        guest.note(format!(
            "{there} in the way in the trampoline, {elsewhere} elsewhere; \
             {old} old calls, {new} new calls"
        ));
        target::expect("mixes", "0")?;
        ensure!(old > 0 && new > 0, "{old} old calls, {new} new calls");
        ensure!(
            there > 0,
            "no task was ever seen in the trampoline ({elsewhere} elsewhere)"
        );
        Ok(())
    }
}

/// Turns between two calls that let tasks sleep now and then: a change succeeds within a few
/// tries.
pub const CALM: u32 = 200_000;

fn eventually_loaded(name: &str, parameters: &str) -> Result<Patch> {
    check::eventually(&format!("{name} loads"), || {
        Ok(module::load_with(name, parameters).is_ok())
    })?;
    Ok(Patch::loaded(name))
}

fn eventually_switched(patch: &Patch, value: &str) -> Result<()> {
    check::eventually(&format!("enabled={value}"), || {
        Ok(patch.write(value).is_ok())
    })
}
