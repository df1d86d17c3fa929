// SPDX-License-Identifier: GPL-2.0
//! One virtual machine, from boot to its end.
//!
//! The console goes to one file, the report (second serial port) to another.
//! QEMU's control socket (QMP) is its standard input and output; it says whether
//! the guest switched itself off or fell over.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What a VM boots and where its output goes.
pub struct Vm<'a> {
    /// vmlinux or bzImage.
    pub kernel: &'a Path,
    /// The initramfs.
    pub initramfs: &'a Path,
    /// The arguments of the guest program.
    pub arguments: &'a [&'a str],
    /// Longest time it may run.
    pub deadline: Duration,
    /// Where the console's text is kept.
    pub console: PathBuf,
    /// Where the report is kept.
    pub report: PathBuf,
}

/// How a VM ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The guest switched the machine off.
    PowerOff,
    /// The kernel reset it, as it does after a panic.
    Reset,
    /// It was still running at the deadline.
    TimeOut,
    /// QEMU ended in another way; what it said.
    Broken(String),
}

/// With several TCG threads, cross-modifying code was seen to go wrong.
const ACCELERATOR: &str = "tcg,thread=single";

/// `panic=-1` with `-no-reboot`: an oops ends the VM at once.
/// `tsc=unstable`: on a busy host the kernel measures a wrong frequency of the TSC,
/// and then its seconds are not ours; it uses the HPET instead.
/// The rest is for speed: printing less until the guest raises it, no self tests of
/// ciphers, no certificates.
const KERNEL_PARAMETERS: &str = "console=ttyS0 oops=panic panic=-1 rdinit=/init \
    tsc=unstable loglevel=5 cryptomgr.notests=1 \
    initcall_blacklist=load_system_certificate_list";

impl Vm<'_> {
    /// Runs the machine to its end.
    pub fn run(&self) -> Result<End> {
        for file in [&self.console, &self.report] {
            fs::write(file, "")?;
        }
        let mut qemu = self
            .command()
            .spawn()
            .context("cannot start qemu-system-x86_64")?;
        // The guest's shutdown event only comes after this greeting.
        let mut control = qemu.stdin.take().context("no control socket")?;
        let _ = control.write_all(b"{\"execute\":\"qmp_capabilities\"}\n");
        let events = listen(qemu.stdout.take().context("no control socket")?);
        let end = self.wait(&mut qemu, &events);
        // Also after an error: no VM outlives its test.
        let _ = qemu.kill();
        let _ = qemu.wait();
        end
    }

    fn command(&self) -> Command {
        let mut command = Command::new("qemu-system-x86_64");
        command
            .arg("-accel")
            .arg(env::var("MOLT_ACCEL").as_deref().unwrap_or(ACCELERATOR))
            .args(["-smp", "2", "-cpu", "max", "-m", "512"])
            .args([
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
            ])
            .args(["-qmp", "stdio"])
            .arg("-kernel")
            .arg(self.kernel)
            .arg("-initrd")
            .arg(self.initramfs)
            .arg("-append")
            .arg(format!(
                "{KERNEL_PARAMETERS} -- {}",
                self.arguments.join(" ")
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for file in [&self.console, &self.report] {
            command
                .arg("-serial")
                .arg(format!("file:{}", file.display()));
        }
        command
    }

    fn wait(&self, qemu: &mut Child, events: &Receiver<String>) -> Result<End> {
        let deadline = Instant::now() + self.deadline;
        let mut end = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match events.recv_timeout(left) {
                Ok(event) if event.contains("\"SHUTDOWN\"") => {
                    end = Some(if event.contains("\"guest-shutdown\"") {
                        End::PowerOff
                    } else {
                        End::Reset
                    });
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(End::TimeOut),
                // QEMU has closed its output.
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = qemu.wait()?;
        let mut words = String::new();
        if let Some(mut stderr) = qemu.stderr.take() {
            let _ = stderr.read_to_string(&mut words);
        }
        Ok(match end {
            Some(end) if status.success() => end,
            _ => End::Broken(format!("qemu: {status}: {}", words.trim())),
        })
    }
}

fn listen(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
