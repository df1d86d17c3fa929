// SPDX-License-Identifier: GPL-2.0
//! Others who want a function that has a jump: tracers, probes, livepatch, BPF.

use std::fs;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::{choose, expect_direct, expect_jump};
use crate::guest::bpf::Program;
use crate::guest::patch::Patch;
use crate::guest::tracefs::{Probe, Tracer};
use crate::guest::{check, module, target, Guest};

/// Tracers see the function and do not take calls past the patch.
fn traced(tracer: &str) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let early = Tracer::start(tracer, "target_value")?;
    let patch = Patch::load("patch_value")?;
    choose(&patch, "direct")?;
    target::expect("value", "2")?;
    ensure!(
        early.hits("target_value")? > 0,
        "{tracer} lost the function"
    );
    early.stop()?;
    target::expect("value", "2")?;
    expect_jump("target_value", true)?;
    let late = Tracer::start(tracer, "target_value")?;
    target::expect("value", "2")?;
    ensure!(
        late.hits("target_value")? > 0,
        "{tracer} does not see the function"
    );
    patch.disable()?;
    target::expect("value", "1")?;
    patch.enable()?;
    target::expect("value", "2")?;
    late.stop()?;
    patch.retire()
}

/// The function tracer.
pub fn function_tracer(_: &Guest) -> Result<()> {
    traced("function")
}

/// The function graph tracer.
pub fn function_graph_tracer(_: &Guest) -> Result<()> {
    traced("function_graph")
}

/// Probes on the entry and on the return.
pub fn kprobe(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let early = Probe::on_entry("early", "target_value")?;
    let patch = Patch::load("patch_value")?;
    choose(&patch, "direct")?;
    let late = Probe::on_return("late", "target_value")?;
    target::expect("value", "2")?;
    check::equal("hits of the early probe", early.hits()?, 1)?;
    check::equal("hits of the late probe", late.hits()?, 1)?;
    early.remove()?;
    late.remove()?;
    target::expect("value", "2")?;
    expect_jump("target_value", true)?;
    patch.retire()
}

/// A livepatch of the same function cannot come until it is free again.
pub fn livepatch_is_refused(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    choose(&patch, "direct")?;
    module::refuse("klp_owner", "", Errno::BUSY)?;
    target::expect("value", "2")?;
    patch.disable()?;
    target::expect("value", "1")?;
    patch.remove()?;
    module::load("klp_owner").context("a function that is free again")
}

/// A BPF program has the function: `direct` is refused, `auto` waits, and both work on.
pub fn refused_for_a_bpf_program(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let patch = Patch::load("patch_cmdline")?;
    let program = Program::before("cmdline_proc_show")?;
    let show = |what: &str, runs: u64| -> Result<()> {
        let text = fs::read_to_string("/proc/cmdline")?;
        check::equal("/proc/cmdline", text.as_str(), what)?;
        check::equal("runs", program.runs()?, runs)
    };
    let file = patch.folder().join("redirect");
    check::refused("redirect=direct", fs::write(&file, "direct"), Errno::BUSY)?;
    check::equal("redirect", patch.attribute("redirect")?.as_str(), "ftrace")?;
    let error = patch.attribute("last_error")?;
    ensure!(error.starts_with("owned: "), "last_error: {error}");
    show("patched\n", 1)?;
    fs::write(&file, "auto")?;
    expect_direct(&patch, "0")?;
    show("patched\n", 2)?;
    drop(program);
    fs::write(&file, "auto")?;
    expect_direct(&patch, "1")?;
    check::equal(
        "/proc/cmdline",
        fs::read_to_string("/proc/cmdline")?.as_str(),
        "patched\n",
    )?;
    patch.retire()
}

/// `direct` keeps the function; `auto` gives it back to a BPF program that comes.
pub fn left_to_a_bpf_program(guest: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let patch = Patch::load("patch_cmdline")?;
    choose(&patch, "direct")?;
    ensure!(
        Program::before("cmdline_proc_show").is_err(),
        "a BPF program was attached beside a jump"
    );
    expect_direct(&patch, "1")?;
    choose(&patch, "auto")?;
    let mut refused = 0;
    let mut program = None;
    check::eventually("the function is given back", || {
        match Program::before("cmdline_proc_show") {
            Ok(attached) => program = Some(attached),
            Err(_) => refused += 1,
        }
        Ok(program.is_some())
    })?;
    guest.note(format!("refused {refused} times"));
    let program = program.context("no program")?;
    expect_direct(&patch, "0")?;
    let text = fs::read_to_string("/proc/cmdline")?;
    check::equal("/proc/cmdline", text.as_str(), "patched\n")?;
    check::equal("runs", program.runs()?, 1)?;
    drop(program);
    patch.retire()
}

/// `ftrace_enabled=0` does not switch a fix off in silence.
pub fn ftrace_switched_off(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    choose(&patch, "direct")?;
    let outcome = fs::write("/proc/sys/kernel/ftrace_enabled", "0");
    ensure!(outcome.is_err(), "ftrace was switched off");
    target::expect("value", "2")?;
    patch.retire()
}
