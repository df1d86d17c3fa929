// SPDX-License-Identifier: GPL-2.0
//! Changes beside a transition that is under way: they go on, or wait for it.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::{load, Hammers};
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, module, target, Guest};
use crate::scenario::verdict::{budget, load_checking, overflow_every};

/// Each waits for its own sleepers.
pub fn two_at_once(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let (nap, deep) = (Sleeper::enter("nap")?, Sleeper::enter("deep")?);
    let patch_nap = Patch::load("patch_nap")?;
    let patch_deep = Patch::load("patch_deep")?;
    patch_nap.expect_left(1)?;
    patch_deep.expect_left(1)?;
    // And a third that nobody is in the way of.
    Patch::load("patch_value")?.retire()?;
    patch_nap.disable()?;
    patch_nap.completes()?;
    patch_deep.expect_left(1)?;
    target::wake()?;
    nap.returns("1")?;
    ensure!(deep.leave()? != "2", "the old target_deep() returned 2");
    patch_deep.completes()?;
    target::expect("deep", "2")?;
    patch_deep.retire()?;
    patch_nap.remove()?;
    before.expect_same()
}

/// A function takes part in one transition at a time, in either model.
pub fn part_of_another_transition(_: &Guest) -> Result<()> {
    load()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    let before = Snapshot::take()?;
    for model in ["per_task", "stop_machine", "auto"] {
        patch::set_consistency(model)?;
        patch::refuse("patch_everywhere", "deadline_ms=300", Errno::BUSY, "busy")?;
        let error = patch::last_error();
        ensure!(error.contains("target_nap"), "{error}");
    }
    patch::set_consistency("per_task")?;
    before.expect_same()?;
    let wakes = thread::spawn(|| -> Result<()> {
        thread::sleep(Duration::from_millis(300));
        target::wake()
    });
    let everywhere = Patch::load("patch_everywhere").context("waits for the other")?;
    wakes.join().expect("it does not panic")?;
    sleeper.leave()?;
    everywhere.completes()?;
    patch.completes()?;
    everywhere.retire()?;
    patch.retire()
}

/// Who waits for another's transition is killed, or is written to before its module is loaded:
/// nothing of it stays.
pub fn cancelled_behind_another(_: &Guest) -> Result<()> {
    load()?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    let waits = Patch::loaded("patch_everywhere");
    let before = Snapshot::take()?;
    let mut insmod = helper::spawn(
        "insmod",
        &["insmod", "patch_everywhere", "deadline_ms=60000"],
    )?;
    check::eventually("insmod waits", || Ok(waits.is_changing()))?;
    let writers = ["0", "1"].map(|value| {
        let waits = waits.clone();
        thread::spawn(move || waits.write(value))
    });
    thread::sleep(Duration::from_millis(300));
    ensure!(insmod.try_wait()?.is_none(), "insmod did not wait");
    insmod.kill()?;
    insmod.wait()?;
    for writer in writers {
        let written = writer.join().expect("it does not panic");
        check::refused("enabled", written, Errno::BUSY)?;
    }
    check::eventually("the module is gone", || {
        Ok(!module::is_loaded("patch_everywhere")?)
    })?;
    check::contains("last_error", &patch::last_error(), "cancelled: ")?;
    before.expect_same()?;
    target::wake()?;
    sleeper.returns("1")?;
    patch.completes()?;
    patch.retire()
}

/// A transition of mainline's livepatch at the same time: each has its own stragglers, and what
/// livepatch notes in a task stays as it is.
pub fn beside_livepatch(_: &Guest) -> Result<()> {
    const ENABLED: &str = "/sys/kernel/livepatch/klp_owner/enabled";
    const TRANSITION: &str = "/sys/kernel/livepatch/klp_owner/transition";
    load()?;
    let before = Snapshot::take()?;
    let (ours, theirs) = (Sleeper::enter("nap")?, Sleeper::enter("deep")?);
    let state = |sleeper: &Sleeper| -> Result<String> {
        let path = format!("/proc/{}/patch_state", sleeper.pid());
        Ok(fs::read_to_string(&path)
            .context(path)?
            .trim_end()
            .to_owned())
    };
    module::load_with("klp_owner", "symbol=target_deep")?;
    check::eventually("livepatch has moved all others", || {
        Ok(state(&ours)? == "1" && state(&theirs)? == "0")
    })?;
    let patch = Patch::load("patch_nap")?;
    patch.expect_left(1)?;
    for on in [false, true] {
        patch.write(if on { "1" } else { "0" })?;
        patch.expect_left(on.into())?;
        check::equal(
            "patch_state",
            [state(&ours)?, state(&theirs)?],
            ["1".into(), "0".into()],
        )?;
    }
    check::equal(
        "livepatch's",
        fs::read_to_string(TRANSITION)?.as_str(),
        "1\n",
    )?;
    target::expect("deep", "50")?;
    target::wake()?;
    ours.returns("1")?;
    theirs.returns("150")?;
    patch.completes()?;
    check::eventually("livepatch's is complete", || {
        Ok(fs::read_to_string(TRANSITION)? == "0\n")
    })?;
    fs::write(ENABLED, "0")?;
    check::eventually("livepatch's goes", || {
        Ok(module::remove("klp_owner").is_ok())
    })?;
    patch.retire()?;
    before.expect_same()
}

/// Two that have nothing to do with each other leave one after the other, or one while the other is
/// on its way.
pub fn two_leave(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    for model in ["per_task", "stop_machine"] {
        let (nap, value) = (Patch::load("patch_nap")?, Patch::load("patch_value")?);
        value.set("consistency", model)?;
        let sleeper = Sleeper::enter("nap")?;
        nap.disable()?;
        nap.expect_left(1)?;
        value.disable()?;
        value.expect_left(0)?;
        target::expect("value", "1")?;
        let other = Sleeper::enter("nap")?;
        target::wake()?;
        sleeper.returns("2")?;
        other.returns("1")?;
        nap.completes()?;
        nap.remove()?;
        value.remove()?;
        before.expect_same()?;
    }
    Ok(())
}

/// No change sends calls into a patch that is on its way out, which the sleeper of another function
/// keeps there.
pub fn into_what_leaves(_: &Guest) -> Result<()> {
    load()?;
    let before = Snapshot::take()?;
    let below = Patch::load("patch_pair_nap")?;
    let above = Patch::load_with("patch_pair", "deadline_ms=300")?;
    let sleeper = Sleeper::enter("nap")?;
    below.disable()?;
    below.expect_left(1)?;
    for model in ["per_task", "stop_machine"] {
        above.set("consistency", model)?;
        above.refuse("0", Errno::BUSY, "busy")?;
    }
    target::expect("pair", "0x22")?;
    target::wake()?;
    sleeper.returns("2")?;
    below.completes()?;
    below.remove()?;
    target::expect("pair", "0x22")?;
    above.disable()?;
    target::expect("pair", "0x11")?;
    above.remove()?;
    before.expect_same()
}

/// The module of the function need not be there: it may come while both are on their way.
pub fn of_a_module_that_may_come(_: &Guest) -> Result<()> {
    load()?;
    let patch = Patch::load("patch_late_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.disable()?;
    patch.expect_left(1)?;
    patch::refuse("patch_late", "deadline_ms=300", Errno::BUSY, "busy")?;
    check::contains("last_error", &patch::last_error(), "patch_late_nap")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.completes()?;
    Patch::load("patch_late")?.retire()?;
    patch.remove()
}

/// Turned round while nobody can be looked at for long: who is behind stays in one universe, says
/// the core that checks it.
pub fn reversed_over_budget(guest: &Guest) -> Result<()> {
    load_checking(&["target"])?;
    patch::set_consistency("per_task")?;
    overflow_every(1)?;
    budget(1)?;
    let hammers = Hammers::start()?;
    let patch = Patch::load("patch_pair_nap")?;
    patch.completes()?;
    let mut behind = 0;
    for _ in 0..10 {
        let sleeper = Sleeper::enter("nap")?;
        for value in ["0", "1", "0", "1"] {
            patch.write(value)?;
            behind += patch.number("tasks_left")?;
        }
        target::wake()?;
        sleeper.leave()?;
        patch.completes()?;
        patch.expect_enabled(true)?;
    }
    guest.note(format!("{behind} left behind"));
    ensure!(behind > 40, "only {behind} left behind");
    hammers.stop(guest)?;
    patch.retire()
}

/// Who waits for a transition holds no patch that is off when that is complete.
pub fn unloaded_beside_who_waits(_: &Guest) -> Result<()> {
    load()?;
    for round in 0..10 {
        let patch = Patch::load("patch_nap")?;
        let sleeper = Sleeper::enter("nap")?;
        patch.disable()?;
        patch.expect_left(1)?;
        let waits = thread::spawn(|| Patch::load("patch_everywhere"));
        let waiting = Patch::loaded("patch_everywhere");
        check::eventually("it waits", || Ok(waiting.is_changing()))?;
        // The longer, the longer the pauses between its tries are.
        thread::sleep(Duration::from_millis(300));
        target::wake()?;
        while patch.is_changing() {}
        patch.remove().with_context(|| format!("round {round}"))?;
        sleeper.returns("2")?;
        let above = waits.join().expect("it does not panic")?;
        above.completes()?;
        above.retire()?;
    }
    Ok(())
}

/// One forces it while another turns it round: it is what was asked for last, for everybody.
pub fn forced_while_reversed(guest: &Guest) -> Result<()> {
    load()?;
    let patch = Patch::load("patch_pair_nap")?;
    let (mut forced, mut refused) = (0, 0);
    for round in 0..100 {
        let on = round % 4 < 2;
        let [there, back] = if on { ["0", "1"] } else { ["1", "0"] };
        let sleeper = Sleeper::enter("nap")?;
        patch.write(there)?;
        patch.expect_left(1)?;
        let (one, other) = (patch.clone(), patch.clone());
        let force = thread::spawn(move || one.set("force", "1"));
        let reverse = thread::spawn(move || {
            thread::sleep(Duration::from_micros(round * 20));
            other.write(back)
        });
        match force.join().expect("it does not panic") {
            Ok(()) => forced += 1,
            Err(error) => {
                let reasons = [Errno::INTR, Errno::INVAL].map(|errno| Some(errno.raw_os_error()));
                ensure!(reasons.contains(&error.raw_os_error()), "force: {error}");
                refused += 1;
            }
        }
        reverse.join().expect("it does not panic")?;
        target::wake()?;
        sleeper.leave()?;
        patch.completes()?;
        patch.expect_enabled(on)?;
        let pair = if on { "0x22" } else { "0x11" };
        target::expect("pair", pair)?;
        if round % 2 == 1 {
            patch.write(there)?;
            patch.completes()?;
        }
    }
    guest.note(format!("{forced} forced, {refused} too late"));
    ensure!(forced > 0, "no change was forced");
    Ok(())
}

/// A kprobe's handler that comes first sends calls of one function of a transition into another
/// one: they go to the replacement of the one that was called, whatever the saved registers say, as
/// they do without a transition.
pub fn beside_a_kprobe_that_goes_elsewhere(_: &Guest) -> Result<()> {
    load()?;
    let elsewhere = "symbol=target_outer to=target_inner";
    module::load_with("probe_owner", elsewhere)?;
    target::expect("pair", "0x1")?;
    module::remove_all(&["probe_owner"])?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_pair_nap")?;
    patch.expect_left(1)?;
    module::load_with("probe_owner", elsewhere)?;
    target::expect("pair", "0x22")?;
    target::wake()?;
    sleeper.leave()?;
    patch.completes()?;
    target::expect("pair", "0x22")?;
    module::remove_all(&["probe_owner"])?;
    patch.retire()
}
