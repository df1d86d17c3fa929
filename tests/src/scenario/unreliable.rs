// SPDX-License-Identifier: GPL-2.0
//! A stack that cannot be walked to its end proves nothing: in the way, never clean.

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::bpf::Program;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::tracefs::{Probe, Tracer};
use crate::guest::{check, module, target, Guest};

scenarios! { unreliable:
    kretprobe_on_a_running_task.only_stop_machine("pertask::kretprobe_on_a_running_task"),
    kretprobe_on_a_sleeping_task.only_stop_machine("pertask::kretprobe_on_a_sleeping_task"),
    function_graph_on_a_sleeping_task
        .only_stop_machine("pertask::function_graph_on_a_sleeping_task"),
    below_a_bpf_program.only_stop_machine("pertask::below_a_bpf_program"),
}

/// The return address of a task under a kretprobe is in a list that the kernel does
/// not read while the task may run: the walk ends there.
fn kretprobe_on_a_running_task(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let probe = Probe::on_return("spin", "target_spin")?;
    let spinner = Sleeper::enter("spin")?;
    let before = Snapshot::take()?;
    // It is not in this function, but nobody can know.
    patch::refuse("patch_value", "deadline_ms=500", Errno::BUSY, "unreliable")?;
    let blockers = patch::last_blockers();
    guest.note(format!("blockers: {blockers:?}"));
    ensure!(
        blockers
            .iter()
            .any(|line| line.starts_with(&format!("{} ", spinner.pid()))),
        "{} is not named: {blockers:?}",
        spinner.pid()
    );
    before.expect_same()?;
    target::wake()?;
    spinner.leave()?;
    Patch::load("patch_value")?.retire()?;
    check::equal("returns seen", probe.hits()?, 1)?;
    probe.remove()
}

/// While it sleeps the list can be read: its stack is known, and who is in the
/// function is still seen.
fn kretprobe_on_a_sleeping_task(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let probe = Probe::on_return("nap", "target_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    Patch::load("patch_value")
        .context("a patch of another function")?
        .retire()?;
    sleeper.refuses("patch_nap", "target_nap")?;
    target::wake()?;
    sleeper.returns("1")?;
    let patch = Patch::load("patch_nap")?;
    let sleeper = Sleeper::enter("nap")?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.retire()?;
    probe.remove()
}

/// The tracer, too, keeps return addresses elsewhere. They are found while it is on,
/// and when it was switched off above the sleeping task.
fn function_graph_on_a_sleeping_task(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let tracer = Tracer::start("function_graph", "target_*")?;
    let sleeper = Sleeper::enter("deep")?;
    sleeper.refuses("patch_deep", "target_deep")?;
    Patch::load("patch_value")
        .context("a patch of another function")?
        .retire()?;
    tracer.stop()?;
    sleeper.refuses("patch_deep", "target_deep")?;
    target::wake()?;
    sleeper.returns("150")?;
    let patch = Patch::load("patch_deep")?;
    target::expect("deep", "2")?;
    patch.retire()
}

/// A task that sleeps in a function called from a BPF trampoline is walked right, and is in the way
/// if it is inside.
fn below_a_bpf_program(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    // The sleeper reads /proc/target/nap: seq_read() is above it.
    let program = Program::after("seq_read")?;
    let sleeper = Sleeper::enter("nap")?;
    sleeper.refuses("patch_nap", "target_nap")?;
    Patch::load("patch_value")
        .context("a patch of another function")?
        .retire()?;
    target::wake()?;
    sleeper.leave()?;
    ensure!(program.runs()? > 0, "the program never ran");
    drop(program);
    Patch::load("patch_nap")?.retire()
}
