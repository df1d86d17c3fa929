// SPDX-License-Identifier: GPL-2.0
//! What the kernel looks like from outside, to prove that something left no trace.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{bail, Context, Result};

use super::patch::MOLT;
use super::{target, tracefs};

/// Functions whose behaviour belongs to the picture.
const FUNCTIONS: &[&str] = &[
    "value", "first", "second", "notrace", "stopped", "twin_a", "twin_b", "warm_nap", "pair",
];

/// Files of a patch that tell what it last tried, not what is.
const HISTORY: &[&str] = &[
    "last_error",
    "blockers",
    "attempts",
    "stop_ns",
    "tasks_scanned",
    "tasks_verified",
    "overflows",
];

/// A picture of the kernel.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// One fact each: what it is, and its value.
    facts: BTreeMap<String, String>,
}

impl Snapshot {
    /// Takes a picture, once nothing moves any more: functions of a patch that was disabled
    /// are disarmed when the answer has been given.
    pub fn take() -> Result<Self> {
        const STILL: Duration = Duration::from_millis(150);
        let mut last = Self::now()?;
        for _ in 0..100 {
            thread::sleep(STILL);
            let now = Self::now()?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
        bail!("the kernel does not come to rest")
    }

    fn now() -> Result<Self> {
        let mut facts = BTreeMap::new();
        let mut fact = |what: String, value: String| facts.insert(what, value);
        for line in tracefs::read("enabled_functions")?.lines() {
            fact(format!("enabled function {line}"), String::new());
        }
        for line in fs::read_to_string("/proc/modules")?.lines() {
            fact(format!("module {line}"), String::new());
        }
        for function in FUNCTIONS
            .iter()
            .filter(|_| Path::new("/proc/target").exists())
        {
            fact(format!("{function}()"), target::call(function)?);
        }
        fact("/proc/cmdline".into(), fs::read_to_string("/proc/cmdline")?);
        fact("/proc/version".into(), fs::read_to_string("/proc/version")?);
        if Path::new(MOLT).exists() {
            tree(Path::new(MOLT), &mut facts).context(MOLT)?;
        }
        Ok(Self { facts })
    }

    /// Everything must be as it was when this picture was taken.
    pub fn expect_same(&self) -> Result<()> {
        self.compare(&Self::take()?)
    }

    /// The same, apart from facts in whose name there is one of `others`.
    pub fn expect_same_but(&self, others: &[&str]) -> Result<()> {
        let of_interest = |picture: &Self| {
            let mut facts = picture.facts.clone();
            facts.retain(|what, _| !others.iter().any(|other| what.contains(other)));
            Self { facts }
        };
        of_interest(self).compare(&of_interest(&Self::take()?))
    }

    fn compare(&self, now: &Self) -> Result<()> {
        let mut changes = Vec::new();
        for (what, value) in &self.facts {
            match now.facts.get(what) {
                None => changes.push(format!("gone: {what} {value}")),
                Some(new) if new != value => {
                    changes.push(format!("{what}: {value:?} is now {new:?}"))
                }
                Some(_) => {}
            }
        }
        for (what, value) in &now.facts {
            if !self.facts.contains_key(what) {
                changes.push(format!("new: {what} {value}"));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        bail!("the kernel is not as before:\n  {}", changes.join("\n  "))
    }
}

fn tree(folder: &Path, facts: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let what = path.display().to_string();
        if path.is_dir() {
            facts.insert(what, "folder".into());
            tree(&path, facts)?;
        } else {
            let mode = path.metadata()?.permissions().mode();
            let history = mode & 0o444 == 0 || HISTORY.iter().any(|name| path.ends_with(name));
            let value = if history {
                String::new()
            } else {
                fs::read_to_string(&path)?
            };
            facts.insert(what, value);
        }
    }
    Ok(())
}
