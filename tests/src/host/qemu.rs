// SPDX-License-Identifier: GPL-2.0
//! One QEMU process.
//!
//! The console goes to one file; the second serial port reads its order from one
//! and writes its report to another. QEMU's control socket (QMP) is its standard
//! input and output; it says whether the guest switched itself off or fell over.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};

use super::shape::Shape;

/// What every VM boots.
#[derive(Debug, Clone)]
pub struct Machine {
    /// vmlinux or bzImage.
    pub kernel: PathBuf,
    /// The initramfs.
    pub initramfs: PathBuf,
    /// What it boots on.
    pub shape: Shape,
}

/// Where a VM's words go.
#[derive(Debug)]
pub struct Ports {
    /// What the kernel prints.
    pub console: PathBuf,
    /// What the guest is told to do.
    pub order: PathBuf,
    /// What the guest reports.
    pub report: PathBuf,
    /// What QEMU says of resets.
    pub resets: PathBuf,
}

impl Ports {
    /// Files in `folder` whose names begin with `name`.
    pub fn new(folder: &Path, name: &str) -> Self {
        // `with_extension` would take what is behind a dot in the name for one.
        let file = |kind: &str| folder.join(format!("{name}.{kind}"));
        Self {
            console: file("console"),
            order: file("order"),
            report: file("report"),
            resets: file("resets"),
        }
    }

    /// Empties the files, and writes the order.
    pub fn prepare(&self, order: &str) -> Result<()> {
        for (path, text) in [
            (&self.console, ""),
            (&self.order, order),
            (&self.report, ""),
            (&self.resets, ""),
        ] {
            fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Removes the files.
    pub fn remove(&self) -> Result<()> {
        for path in [&self.console, &self.order, &self.report, &self.resets] {
            fs::remove_file(path).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// How a VM ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The guest switched the machine off.
    PowerOff,
    /// The kernel reset it, as it does after a panic.
    Reset,
    /// The processor reset it, because it could not even begin to handle an exception. Emulated
    /// ones only; it is a [`End::Reset`] elsewhere.
    TripleFault,
    /// It was still running at the deadline.
    TimeOut,
    /// QEMU ended in another way; what it said.
    Broken(String),
}

/// A running QEMU; it does not outlive this value.
pub struct Qemu {
    child: Child,
    resets: PathBuf,
    control: ChildStdin,
    events: Receiver<String>,
}

impl Qemu {
    /// Starts the machine: from a snapshot, or else with a boot.
    pub fn start(machine: &Machine, ports: &Ports, snapshot: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("qemu-system-x86_64");
        command
            .args(machine.shape.arguments())
            .args([
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
            ])
            .args(["-qmp", "stdio"])
            .arg("-kernel")
            .arg(&machine.kernel)
            .arg("-initrd")
            .arg(&machine.initramfs)
            .arg("-serial")
            .arg(format!("file:{}", ports.console.display()))
            .arg("-chardev")
            .arg(format!(
                "file,id=report,path={},input-path={}",
                ports.report.display(),
                ports.order.display()
            ))
            .args(["-serial", "chardev:report"])
            .args(["-d", "cpu_reset", "-D"])
            .arg(&ports.resets)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(snapshot) = snapshot {
            command
                .arg("-incoming")
                .arg(format!("file:{}", snapshot.display()));
        }
        let mut child = command.spawn().context("cannot start qemu-system-x86_64")?;
        let control = child.stdin.take().context("no control socket")?;
        let events = listen(child.stdout.take().context("no control socket")?);
        let mut qemu = Self {
            child,
            resets: ports.resets.clone(),
            control,
            events,
        };
        // Nothing else is understood, and no event comes, before this greeting.
        qemu.tell("qmp_capabilities", "{}")?;
        Ok(qemu)
    }

    /// Gives a command to QEMU itself. Why it cannot be told, `wait` says.
    fn tell(&mut self, command: &str, arguments: &str) -> Result<()> {
        let line = format!("{{\"execute\":\"{command}\",\"arguments\":{arguments}}}\n");
        match self.control.write_all(line.as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) => bail!("{command}: {:?}", self.wait(Duration::from_secs(5))?),
        }
    }

    /// Writes the whole machine to a file, and ends it.
    pub fn freeze(mut self, file: &Path) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(60);
        let began = Instant::now();
        // Not stopped before: a machine that was would thaw as one that is.
        self.tell(
            "migrate",
            &format!("{{\"uri\":\"file:{}\"}}", file.display()),
        )?;
        while began.elapsed() < PATIENCE {
            self.tell("query-migrate", "{}")?;
            let answer = self
                .events
                .recv_timeout(PATIENCE)
                .context("QEMU does not answer")?;
            if answer.contains("\"status\": \"completed\"") {
                return Ok(());
            }
            if answer.contains("\"error\"") || answer.contains("\"status\": \"failed\"") {
                bail!(
                    "QEMU cannot write the machine to {}: {answer}",
                    file.display()
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "QEMU did not write the machine to {} in time",
            file.display()
        )
    }

    /// Waits for the machine's end.
    pub fn wait(&mut self, patience: Duration) -> Result<End> {
        let deadline = Instant::now() + patience;
        let mut end = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
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
        let status = self.child.wait()?;
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut words);
        }
        Ok(match end {
            Some(End::Reset) if status.success() && self.is_triple_fault()? => End::TripleFault,
            Some(end) if status.success() => end,
            _ => End::Broken(format!("qemu: {status}: {}", words.trim())),
        })
    }

    fn is_triple_fault(&self) -> Result<bool> {
        let resets =
            fs::read_to_string(&self.resets).with_context(|| self.resets.display().to_string())?;
        Ok(resets.contains("Triple fault"))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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
