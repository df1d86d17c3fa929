// SPDX-License-Identifier: GPL-2.0
//! Boots the guest, lets it measure, and shows how far it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};

use super::figures::Figures;
use crate::bench::plan::Plan;
use crate::bench::sample::Sample;
use crate::host::judge;
use crate::host::qemu::Machine;
use crate::host::shape::Shape;
use crate::scenario;

/// Carries out the plan, and the one beside it at the same time: what one does to the
/// host does not matter to the other. Files go to `folder`. What was measured, and what
/// was measured beside it.
pub fn run(
    plan: &Plan,
    kernel: &Path,
    initramfs: &Path,
    folder: &Path,
) -> Result<(Figures, Option<Figures>)> {
    thread::scope(|scope| {
        let beside = plan
            .beside
            .map(|beside| scope.spawn(move || run_one(beside, kernel, initramfs, folder)));
        let figures = run_one(plan, kernel, initramfs, folder);
        let beside = beside.map(|beside| beside.join().unwrap_or_else(|_| bail!("a panic")));
        Ok((figures?, beside.transpose()?))
    })
}

fn run_one(plan: &Plan, kernel: &Path, initramfs: &Path, folder: &Path) -> Result<Figures> {
    let machine = Machine {
        kernel: kernel.to_owned(),
        initramfs: initramfs.to_owned(),
        shape: Shape::of_bench(plan.processors, plan.memory),
    };
    let scenario = scenario::bench(plan.name).context("the plan has no scenario")?;
    let ports = judge::ports(&scenario, folder);
    let over = AtomicBool::new(false);
    let ran = thread::scope(|scope| {
        scope.spawn(|| show_progress(plan.name, &ports.report, &over));
        let ran = judge::observe(&scenario, &machine, None, &ports);
        over.store(true, Ordering::Relaxed);
        ran
    })?;
    if let Some(failure) = ran.failure {
        bail!(
            "{failure}\n\n{}\nthe console: {}",
            judge::tail(&ran.console),
            ports.console.display()
        );
    }
    Figures::gather(&ran.notes, plan.rounds)
}

/// Prints what the guest notes and is no sample, with the seconds that passed.
fn show_progress(name: &str, report: &Path, over: &AtomicBool) {
    let begun = Instant::now();
    let mut shown = 0;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(500));
        let mut text = Vec::new();
        // Emptied and filled again: what cannot be read now can be read later.
        if File::open(report)
            .and_then(|mut file| file.read_to_end(&mut text))
            .is_err()
        {
            continue;
        }
        let text = String::from_utf8_lossy(&text);
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<&str> = text[..whole].lines().collect();
        if lines.len() < shown {
            // What was shown was left of the run before this.
            shown = 0;
        }
        for line in lines.iter().skip(shown) {
            let note = line.split_once(" note ").map(|(_, note)| note);
            if let Some(note) = note.filter(|note| Sample::read(note.trim_end()).is_none()) {
                eprintln!("molt: {name} {:4} s  {note}", begun.elapsed().as_secs());
            }
        }
        shown = shown.max(lines.len());
    }
}
