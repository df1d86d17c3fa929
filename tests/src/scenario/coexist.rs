// SPDX-License-Identifier: GPL-2.0
//! Others who use the same functions, before and after the patch: tracers, probes,
//! BPF, mainline livepatch.

use std::fs;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};

use crate::guest::bpf::Program;
use crate::guest::load::Load;
use crate::guest::patch::Patch;
use crate::guest::snapshot::Snapshot;
use crate::guest::tracefs::{Probe, Tracer};
use crate::guest::{check, module, target, Guest};

scenarios! { coexist:
    function_tracer,
    function_graph_tracer,
    kprobe_that_listens,
    kretprobe,
    bpf_program_before,
    bpf_program_after,
    bpf_programs_under_way.seconds(180),
    livepatch_of_another_function,
    ftrace_switched_off,
}

/// Patches and unpatches while the tracer is on, and traces while the patch is on.
fn traced(tracer: &str) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;

    let first = Tracer::start(tracer, "target_value")?;
    target::expect("value", "1")?;
    ensure!(
        first.hits("target_value")? > 0,
        "{tracer} sees nothing at all"
    );
    let patch = Patch::load("patch_value")?;
    target::expect("value", "2")?;
    ensure!(
        first.hits("target_value")? > 0,
        "{tracer} lost the function to the patch"
    );
    patch.disable()?;
    target::expect("value", "1")?;
    ensure!(
        first.hits("target_value")? > 0,
        "{tracer} lost the function to the disabled patch"
    );
    patch.enable()?;
    first.stop()?;
    target::expect("value", "2")?;

    let second = Tracer::start(tracer, "target_value")?;
    target::expect("value", "2")?;
    ensure!(
        second.hits("target_value")? > 0,
        "{tracer} does not see a patched function"
    );
    second.stop()?;
    patch.retire()?;
    target::expect("value", "1")?;
    before.expect_same()
}

fn function_tracer(_: &Guest) -> Result<()> {
    traced("function")
}

fn function_graph_tracer(_: &Guest) -> Result<()> {
    traced("function_graph")
}

/// A probe made before the patch and one made after it.
fn probed(make: fn(&str, &str) -> Result<Probe>) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let early = make("early", "target_value")?;
    target::expect("value", "1")?;
    let patch = Patch::load("patch_value")?;
    let late = make("late", "target_value")?;
    target::expect("value", "2")?;
    check::equal("hits of the early probe", early.hits()?, 2)?;
    check::equal("hits of the late probe", late.hits()?, 1)?;
    patch.disable()?;
    target::expect("value", "1")?;
    check::equal("hits of the early probe", early.hits()?, 3)?;
    early.remove()?;
    patch.enable()?;
    target::expect("value", "2")?;
    check::equal("hits of the late probe", late.hits()?, 3)?;
    late.remove()?;
    target::expect("value", "2")?;
    patch.retire()
}

/// A kprobe without a post handler.
fn kprobe_that_listens(_: &Guest) -> Result<()> {
    probed(Probe::on_entry)
}

fn kretprobe(_: &Guest) -> Result<()> {
    probed(Probe::on_return)
}

/// A program keeps running whether it came before the patch or after it, and does not
/// take the calls past the patch.
fn programmed(attach: fn(&str) -> Result<Program>) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let original = fs::read_to_string("/proc/cmdline")?;
    let show = |expected: &str| -> Result<()> {
        check::equal(
            "/proc/cmdline",
            fs::read_to_string("/proc/cmdline")?.as_str(),
            expected,
        )
    };
    let early = attach("cmdline_proc_show")?;
    show(&original)?;
    check::equal("runs before the patch", early.runs()?, 1)?;
    let patch = Patch::load("patch_cmdline")?;
    show("patched\n")?;
    check::equal("runs with the patch", early.runs()?, 2)?;
    patch.disable()?;
    show(&original)?;
    patch.enable()?;
    show("patched\n")?;
    check::equal("runs", early.runs()?, 4)?;
    drop(early);
    show("patched\n")?;
    let late = attach("cmdline_proc_show").context("on a patched function")?;
    show("patched\n")?;
    check::equal("runs of a late program", late.runs()?, 1)?;
    patch.retire()?;
    show(&original)?;
    check::equal("runs after the patch", late.runs()?, 2)
}

fn bpf_program_before(_: &Guest) -> Result<()> {
    programmed(Program::before)
}

fn bpf_program_after(_: &Guest) -> Result<()> {
    programmed(Program::after)
}

/// A task that runs BPF programs before it goes on into a function: the trampoline has been jumped
/// to, and no address of the function is on its stack. It must not meet the new inner function from
/// the old outer one.
fn bpf_programs_under_way(guest: &Guest) -> Result<()> {
    const BEFORE: usize = 24;
    const NEW: libc::c_long = 1 << 60;
    module::load_all(&["molt"])?;
    let programs = Program::around("__x64_sys_times", BEFORE)?;
    let calls = [0, 1].map(|_| Arc::new(AtomicU64::new(0)));
    let seen = calls.clone();
    let callers = Load::start(3, move |_| {
        for _ in 0..64 {
            // SAFETY: a structure of numbers.
            let mut times: libc::tms = unsafe { mem::zeroed() };
            // SAFETY: there is room for what it writes.
            let is_new = unsafe { libc::times(&mut times) } == NEW;
            ensure!(
                times.tms_utime != NEW,
                "the old function has called the new one"
            );
            seen[usize::from(is_new)].fetch_add(1, Relaxed);
        }
        thread::sleep(Duration::from_micros(500));
        Ok(())
    });
    let mut attempts = 0;
    for round in 0..40 {
        let patch = Patch::load("patch_times").with_context(|| format!("round {round}"))?;
        attempts += patch.number("attempts")?;
        patch.completes()?;
        patch.retire().with_context(|| format!("round {round}"))?;
    }
    callers.stop()?;
    let [old, new] = calls.map(|calls| calls.load(Relaxed));
    guest.note(format!(
        "{attempts} attempts, {old} old calls, {new} new ones"
    ));
    ensure!(old > 1000 && new > 1000, "{old} old calls, {new} new ones");
    for program in &programs {
        ensure!(program.runs()? > 1000, "a program ran too rarely");
    }
    Ok(())
}

/// Mainline livepatch works beside us, whoever comes first.
fn livepatch_of_another_function(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    module::load_with("klp_owner", "symbol=target_first")?;
    check::eventually("mainline's patch works", || {
        Ok(target::call("first")? == "50")
    })?;
    target::expect("value", "2")?;
    patch.disable()?;
    target::expect("value", "1")?;
    target::expect("first", "50")?;
    patch.enable()?;
    fs::write("/sys/kernel/livepatch/klp_owner/enabled", "0")?;
    check::eventually("mainline's patch is off", || {
        Ok(target::call("first")? == "1")
    })?;
    target::expect("value", "2")?;
    patch.retire()
}

/// `ftrace_enabled=0` does not switch a fix off in silence.
fn ftrace_switched_off(guest: &Guest) -> Result<()> {
    const SWITCH: &str = "/proc/sys/kernel/ftrace_enabled";
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    let outcome = fs::write(SWITCH, "0");
    guest.note(format!("ftrace_enabled=0: {outcome:?}"));
    ensure!(
        outcome.is_err(),
        "ftrace was switched off under an enabled patch"
    );
    target::expect("value", "2")?;
    patch.retire()
}
