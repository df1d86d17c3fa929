// SPDX-License-Identifier: GPL-2.0
//! Jumps at the entry of patched functions instead of a handler: chosen, given back for
//! each change, and never a call that goes anywhere else meanwhile.

use std::fs;

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::Patch;
use crate::guest::sleeper::Sleeper;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, late, module, target, tracefs, Guest};

mod others;

use others::*;

scenarios! { direct:
    chosen_and_taken_back,
    chosen_before_it_is_enabled,
    garbage_is_refused,
    changes_under_load.seconds(120),
    chosen_under_load.seconds(120),
    stacked,
    one_of_two_stays,
    sleeper_in_the_replacement.only_stop_machine("pertask::redirected_by_jumps"),
    module_that_goes,
    function_tracer,
    function_graph_tracer,
    kprobe,
    livepatch_is_refused,
    refused_for_a_bpf_program,
    left_to_a_bpf_program,
    ftrace_switched_off,
}

/// Chooses, which must succeed, and says what is in force.
fn choose(patch: &Patch, redirect: &str) -> Result<()> {
    fs::write(patch.folder().join("redirect"), redirect)
        .with_context(|| format!("redirect={redirect}"))?;
    check::equal("redirect", patch.attribute("redirect")?.as_str(), redirect)?;
    let expected = if redirect == "ftrace" { "0" } else { "1" };
    expect_direct(patch, expected)
}

fn expect_direct(patch: &Patch, expected: &str) -> Result<()> {
    check::equal("direct", patch.attribute("direct")?.as_str(), expected)
}

/// After a change the jumps come when its answer has been given.
fn eventually_direct(patch: &Patch) -> Result<()> {
    check::eventually("the jumps are back", || {
        Ok(patch.attribute("direct")? == "1")
    })
}

/// What ftrace says of a function: its lines in `enabled_functions`, those after the first
/// indented.
fn line_of(function: &str) -> Result<String> {
    let start = format!("{function} ");
    let all = tracefs::read("enabled_functions")?;
    let mut lines = all.lines().skip_while(|line| !line.starts_with(&start));
    let first = lines.next().unwrap_or_default();
    let more = lines.take_while(|line| line.starts_with('\t'));
    Ok([first].into_iter().chain(more).collect())
}

/// Whether ftrace says that a function begins with a jump, and nothing else is on it.
fn expect_jump(function: &str, jumps: bool) -> Result<()> {
    let line = line_of(function)?;
    ensure!(
        line.contains("(1)") && line.contains("direct(jmp)") == jumps,
        "{function}: jumps is not {jumps}: {line:?}"
    );
    Ok(())
}

fn chosen_and_taken_back(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    let patch = Patch::load("patch_both")?;
    check::equal("redirect", patch.attribute("redirect")?.as_str(), "ftrace")?;
    expect_direct(&patch, "0")?;
    for redirect in ["direct", "auto", "ftrace", "auto", "direct", "direct"] {
        choose(&patch, redirect)?;
        guest.note(line_of("target_first")?);
        for function in ["first", "second"] {
            target::expect(function, "2")?;
            expect_jump(&format!("target_{function}"), redirect != "ftrace")?;
        }
    }
    for _ in 0..5 {
        patch.disable()?;
        expect_direct(&patch, "0")?;
        target::expect("first", "1")?;
        target::expect("second", "1")?;
        patch.enable()?;
        target::expect("first", "2")?;
        target::expect("second", "2")?;
        eventually_direct(&patch)?;
        target::expect("first", "2")?;
        expect_jump("target_first", true)?;
    }
    patch.retire()?;
    before.expect_same()
}

fn chosen_before_it_is_enabled(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    patch.disable()?;
    fs::write(patch.folder().join("redirect"), "direct\n")?;
    expect_direct(&patch, "0")?;
    patch.enable()?;
    eventually_direct(&patch)?;
    target::expect("value", "2")?;
    patch.retire()?;
    target::expect("value", "1")
}

fn garbage_is_refused(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    for garbage in ["jump", "DIRECT", "direct ", "direct\n\n", "\0"] {
        check::refused(
            &format!("{garbage:?}"),
            fs::write(patch.folder().join("redirect"), garbage),
            Errno::INVAL,
        )?;
    }
    check::equal("redirect", patch.attribute("redirect")?.as_str(), "ftrace")?;
    patch.retire()
}

/// Threads call without a pause, and nobody meets a mix.
fn changes_under_load(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    target::set("gap", 1000)?;
    target::hammer(4)?;
    let patch = Patch::load("patch_pair")?;
    choose(&patch, "direct")?;
    for round in 0..30 {
        patch.disable().with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x11")?;
        patch.enable().with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x22")?;
        if round % 3 == 0 {
            eventually_direct(&patch)?;
        }
    }
    patch.retire()?;
    target::hammer(0)?;
    check::equal("mixes", target::count("mixes")?, 0)
}

/// While jumps come and go, every call meets the replacements.
fn chosen_under_load(guest: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_pair")?;
    target::set("gap", 20)?;
    let before = target::count("olds")?;
    target::hammer(4)?;
    for round in 0..40 {
        let redirect = ["direct", "ftrace", "auto", "ftrace"][round % 4];
        choose(&patch, redirect).with_context(|| format!("round {round}"))?;
        target::expect("pair", "0x22")?;
    }
    target::hammer(0)?;
    guest.note(format!("{} calls", target::count("news")?));
    check::equal("olds", target::count("olds")?, before)?;
    check::equal("mixes", target::count("mixes")?, 0)?;
    patch.retire()
}

/// The patch on top decides, and what is below appears again.
fn stacked(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let below = Patch::load("patch_value")?;
    choose(&below, "direct")?;
    let above = Patch::load("patch_value_again")?;
    let value = target::call("value")?;
    ensure!(value != "1" && value != "2", "value is {value}");
    expect_direct(&above, "0")?;
    expect_jump("target_value", false)?;
    choose(&above, "direct")?;
    target::expect("value", &value)?;
    expect_jump("target_value", true)?;
    below.disable()?;
    target::expect("value", &value)?;
    below.enable()?;
    target::expect("value", "2")?;
    eventually_direct(&below)?;
    target::expect("value", "2")?;
    below.retire()?;
    target::expect("value", &value)?;
    above.retire()?;
    target::expect("value", "1")
}

/// Of functions that were armed together, one stays patched by another patch.
fn one_of_two_stays(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    for redirect in ["ftrace", "direct"] {
        let both = Patch::load("patch_both")?;
        let first = Patch::load("patch_first")?;
        for patch in [&both, &first] {
            fs::write(patch.folder().join("redirect"), redirect).or_else(
                |error| match redirect {
                    "direct" => Ok(()),
                    _ => Err(error),
                },
            )?;
        }
        target::expect("first", "3")?;
        target::expect("second", "2")?;
        both.disable()?;
        check::eventually("target_second is disarmed", || {
            Ok(line_of("target_second")?.is_empty())
        })?;
        ensure!(
            !line_of("target_first")?.is_empty(),
            "target_first is not armed"
        );
        target::expect("first", "3")?;
        target::expect("second", "1")?;
        both.enable()?;
        target::expect("first", "2")?;
        target::expect("second", "2")?;
        first.retire()?;
        target::expect("first", "2")?;
        both.retire()?;
    }
    before.expect_same()
}

/// Nobody is on the way to a replacement that has a jump, but who is inside is found.
fn sleeper_in_the_replacement(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load_with("patch_nap", "deadline_ms=300")?;
    choose(&patch, "direct")?;
    let sleeper = Sleeper::enter("nap")?;
    patch.refuse("0", Errno::BUSY, "busy")?;
    eventually_direct(&patch)?;
    target::wake()?;
    sleeper.returns("2")?;
    patch.retire()
}

fn module_that_goes(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "journal"])?;
    let before = Snapshot::take()?;
    module::load_all(&["late"])?;
    let patch = Patch::load("patch_late")?;
    choose(&patch, "direct")?;
    late::expect("value", "2")?;
    for _ in 0..3 {
        module::remove_all(&["late"])?;
        late::expect_state(&patch, "pending")?;
        module::load_all(&["late"])?;
        late::expect_state(&patch, "patched")?;
        late::expect("value", "2")?;
        eventually_direct(&patch)?;
        late::expect("value", "2")?;
    }
    patch.retire()?;
    module::remove_all(&["late"])?;
    before.expect_same()
}
