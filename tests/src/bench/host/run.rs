// SPDX-License-Identifier: GPL-2.0
//! Boots the guest, lets it measure, and shows how far it is.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};

use crate::bench::plan::Plan;
use crate::bench::sample::Sample;
use crate::host::kernel::Kernel;
use crate::host::qemu::Machine;
use crate::host::shape::Shape;
use crate::host::{image, judge};
use crate::scenario;

/// Carries out the plan; files go to `folder`, the programs of the guest are built below
/// `shared`. What the guest noted.
pub fn run(plan: &Plan, kernel: &Kernel, folder: &Path, shared: &Path) -> Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let machine = Machine {
        kernel: kernel.image.clone(),
        initramfs: image::build(folder, shared, kernel, &[])?,
        shape: Shape::of_bench(plan.memory),
    };
    let scenario = scenario::bench(plan.name).context("the plan has no scenario")?;
    let ports = judge::ports(&scenario, folder);
    let over = AtomicBool::new(false);
    let ran = thread::scope(|scope| {
        scope.spawn(|| show_progress(&ports.report, &over));
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
    Ok(ran.notes)
}

/// Prints what the guest notes and is no sample, with the seconds that passed.
fn show_progress(report: &Path, over: &AtomicBool) {
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
        for line in lines.iter().skip(shown) {
            let note = line.split_once(" note ").map(|(_, note)| note);
            if let Some(note) = note.filter(|note| Sample::read(note.trim_end()).is_none()) {
                eprintln!("molt: {:4} s  {note}", begun.elapsed().as_secs());
            }
        }
        shown = shown.max(lines.len());
    }
}
