// SPDX-License-Identifier: GPL-2.0
//! Runs one scenario in a VM of its own and judges: success is only what the guest
//! reported in full, from a machine that was switched off in order, whose kernel
//! had nothing to complain about.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::qemu::{End, Machine, Ports, Qemu};
use super::snapshot::Snapshot;
use super::splat;
use crate::report::{self, Verdict};
use crate::scenario::{Ending, Scenario};

/// Lines of the console shown with a failure.
const TAIL: usize = 40;

/// What a kernel says when it restarts.
const SWITCHING_OFF: &str = "Preparing to enter system sleep state S5";

/// Runs the scenario; the error is the complete text for the one who reads it.
pub fn run(scenario: &Scenario, snapshot: &Snapshot, logs: &Path) -> Result<(), String> {
    match try_run(scenario, snapshot, logs) {
        Ok(None) => Ok(()),
        Ok(Some(failure)) => Err(failure),
        Err(error) => Err(format!("ERROR: cannot run a VM: {error:#}")),
    }
}

fn try_run(scenario: &Scenario, snapshot: &Snapshot, logs: &Path) -> Result<Option<String>> {
    let ports = ports(scenario, logs);
    let ran = observe(scenario, &snapshot.machine, Some(&snapshot.file), &ports)?;
    let name = scenario.name();
    let summary = ran.failure.as_deref().unwrap_or("ok");
    let log = ports.console.with_extension("log");
    let (seconds, notes, console) = (ran.seconds, ran.notes.join("\n"), &ran.console);
    fs::write(
        &log,
        format!("{name}: {summary}\n{seconds:.1} s\nnotes:\n{notes}\nconsole:\n{console}"),
    )?;
    ports.remove()?;
    Ok(ran.failure.map(|failure| {
        format!(
            "{failure}\n\n{}\nwhole log: {}",
            tail(console),
            log.display()
        )
    }))
}

/// The files that a run of the scenario uses, in `folder`.
pub fn ports(scenario: &Scenario, folder: &Path) -> Ports {
    Ports::new(folder, &scenario.name().replace("::", "."))
}

/// What was seen of a VM.
pub struct Ran {
    /// Why it counts as failed, if it does.
    pub failure: Option<String>,
    /// What the scenario noted.
    pub notes: Vec<String>,
    /// What the kernel printed.
    pub console: String,
    /// How long it took.
    pub seconds: f32,
}

/// Runs the scenario: in a machine that thaws from a snapshot, or else boots.
pub fn observe(
    scenario: &Scenario,
    machine: &Machine,
    snapshot: Option<&Path>,
    ports: &Ports,
) -> Result<Ran> {
    let token = token()?;
    // A serial port that thaws, or that a booting kernel tries, may lose what is waiting
    // for it: empty lines come first.
    let waste = "\n".repeat(if snapshot.is_some() { 4 } else { 100 });
    ports.prepare(&format!("{waste}{} {token}\n", scenario.name()))?;
    let began = Instant::now();
    let end = Qemu::start(machine, ports, snapshot)?.wait(scenario.deadline)?;
    let seconds = began.elapsed().as_secs_f32();

    let console = read(&ports.console)?;
    let (verdict, mut notes) = report::read(&token, &read(&ports.report)?);
    if let (Some(_), Verdict::Fail(why)) = (scenario.known, &verdict) {
        notes.push(why.clone());
    }
    Ok(Ran {
        failure: judge(scenario, &end, &verdict, &console),
        notes,
        console,
        seconds,
    })
}

fn judge(scenario: &Scenario, end: &End, verdict: &Verdict, console: &str) -> Option<String> {
    let splats = splat::find(console, scenario.expected_splats);
    let splats =
        (!splats.is_empty()).then(|| format!("the kernel complained:\n  {}", splats.join("\n  ")));
    let ended = match (end, scenario.ending) {
        (End::PowerOff, Ending::PowerOff) => None,
        // A panic is a reset, too, and a splat. Of the kernel's words only those count that it says
        // before it stops the other processors: one of them may be about to print the last ones,
        // "Restarting system".
        (End::Reset, Ending::Restart) if console.contains(SWITCHING_OFF) => None,
        (End::PowerOff, Ending::Restart) => Some("switched off".to_owned()),
        (End::Reset, _) => Some("the kernel died (panic or reset)".to_owned()),
        (End::TripleFault, _) => Some("the kernel died (triple fault)".to_owned()),
        (End::TimeOut, _) => Some(format!("still running after {:?}", scenario.deadline)),
        (End::Broken(words), _) => Some(words.clone()),
    };
    let lost = |why: String| format!("ERROR: VM lost: {why}");
    if let Some(known) = scenario.known {
        // Nothing else may be wrong: no splat, and no other end of the machine.
        match (verdict, &ended, &splats) {
            (Verdict::Fail(why), None, None) if why.contains(known.says) => return None,
            (Verdict::Ok, None, None) if known.always => {
                return Some(format!(
                    "it passes. Is the fault mended ({})? Then take its mark away",
                    known.what
                ))
            }
            _ => {}
        }
    }
    let causes: Vec<String> = match (verdict, ended) {
        (Verdict::Ok, None) => splats.into_iter().collect(),
        (Verdict::Ok, Some(ended)) => [Some(lost(ended)), splats].into_iter().flatten().collect(),
        (Verdict::Fail(why), ended) => [Some(why.clone()), ended.map(lost), splats]
            .into_iter()
            .flatten()
            .collect(),
        (Verdict::Silent(how_far), ended) => {
            let ended = ended.unwrap_or_else(|| "switched off".to_owned());
            [Some(lost(format!("{ended}; {how_far}"))), splats]
                .into_iter()
                .flatten()
                .collect()
        }
    };
    (!causes.is_empty()).then(|| causes.join("\n"))
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(String::from_utf8_lossy(&bytes).replace('\r', ""))
}

/// The end of what the kernel printed.
pub fn tail(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    let start = lines.len().saturating_sub(TAIL);
    format!("end of the console:\n  {}", lines[start..].join("\n  "))
}

fn token() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn known() -> Scenario {
        let known = scenario::all().find(|one| one.known.is_some_and(|fault| fault.always));
        known.expect("a known fault")
    }

    #[test]
    fn a_known_fault_hides_nothing_else() {
        let scenario = known();
        let says = scenario.known.expect("it is known").says;
        let known = Verdict::Fail(format!("so it is: {says}"));
        let judged = |verdict: &Verdict, end: End, console: &str| {
            judge(&scenario, &end, verdict, console).is_some()
        };
        assert!(!judged(&known, End::PowerOff, ""));
        assert!(judged(&known, End::PowerOff, "WARNING: something else"));
        assert!(judged(&known, End::Reset, ""));
        assert!(judged(&Verdict::Fail("another".into()), End::PowerOff, ""));
        assert!(judged(&Verdict::Ok, End::PowerOff, ""));
    }
}
