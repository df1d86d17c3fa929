// SPDX-License-Identifier: GPL-2.0
//! Tracing: the other users of ftrace, and a witness of what the core does.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write;

use anyhow::{Context, Result};

const TRACING: &str = "/sys/kernel/tracing";

/// Reads a file of tracefs.
pub fn read(file: &str) -> Result<String> {
    let path = format!("{TRACING}/{file}");
    fs::read_to_string(&path).context(path)
}

/// Writes a file of tracefs.
pub fn write(file: &str, text: &str) -> Result<()> {
    let path = format!("{TRACING}/{file}");
    fs::write(&path, text).with_context(|| format!("{text:?} to {path}"))
}

fn append(file: &str, text: &str) -> Result<()> {
    let path = format!("{TRACING}/{file}");
    let mut file = OpenOptions::new().append(true).open(&path).context(path)?;
    writeln!(file, "{text}").with_context(|| text.to_owned())
}

/// A tracer (`function`, `function_graph`) on one function.
pub struct Tracer;

impl Tracer {
    /// Starts it.
    pub fn start(tracer: &str, function: &str) -> Result<Self> {
        write("set_ftrace_filter", function)?;
        write("current_tracer", tracer)?;
        write("trace", "")?;
        write("tracing_on", "1")?;
        Ok(Self)
    }

    /// How many lines of the trace name the function since the last look.
    pub fn hits(&self, function: &str) -> Result<usize> {
        let trace = read("trace")?;
        write("trace", "")?;
        let lines = trace.lines().filter(|line| !line.starts_with('#'));
        Ok(lines.filter(|line| line.contains(function)).count())
    }

    /// Ends it.
    pub fn stop(self) -> Result<()> {
        write("current_tracer", "nop")?;
        write("set_ftrace_filter", "")
    }
}

/// A probe made through `kprobe_events` that counts.
pub struct Probe {
    name: String,
}

impl Probe {
    /// Counts calls of a function.
    pub fn on_entry(name: &str, function: &str) -> Result<Self> {
        Self::new('p', name, function)
    }

    /// Counts returns from a function (a kretprobe).
    pub fn on_return(name: &str, function: &str) -> Result<Self> {
        Self::new('r', name, function)
    }

    fn new(kind: char, name: &str, function: &str) -> Result<Self> {
        append(
            "kprobe_events",
            &format!("{kind}:molt_tests/{name} {function}"),
        )?;
        write(&format!("events/molt_tests/{name}/enable"), "1")?;
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// How often it was hit.
    pub fn hits(&self) -> Result<u64> {
        let profile = read("kprobe_profile")?;
        let line = profile
            .lines()
            .find(|line| line.split_whitespace().next() == Some(&self.name))
            .with_context(|| format!("{} is not in kprobe_profile", self.name))?;
        let hits = line
            .split_whitespace()
            .nth(1)
            .context("no hits in kprobe_profile")?;
        Ok(hits.parse()?)
    }

    /// Removes it.
    pub fn remove(self) -> Result<()> {
        write(&format!("events/molt_tests/{}/enable", self.name), "0")?;
        append("kprobe_events", &format!("-:molt_tests/{}", self.name))
    }
}

/// Counts how often the machine was stopped: every stop runs `multi_cpu_stop`.
pub fn count_stops() -> Result<Probe> {
    Probe::on_entry("stops", "multi_cpu_stop")
}
