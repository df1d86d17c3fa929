// SPDX-License-Identifier: GPL-2.0
//! A patch module through its folder in `/sys/kernel/molt`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

use super::{check, module};

/// The folder of the core.
pub const MOLT: &str = "/sys/kernel/molt";

/// A patch module that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    name: String,
}

impl Patch {
    /// Loads a patch; it must be enabled then.
    pub fn load(name: &str) -> Result<Self> {
        Self::load_with(name, "")
    }

    /// Loads a patch with parameters; it must be enabled then.
    pub fn load_with(name: &str, parameters: &str) -> Result<Self> {
        module::load_with(name, parameters)
            .with_context(|| format!("insmod {name} {parameters}: last_error: {}", last_error()))?;
        let patch = Self::loaded(name);
        patch.expect_enabled(true)?;
        Ok(patch)
    }

    /// A patch that is loaded already.
    pub fn loaded(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        Path::new(MOLT).join(&self.name)
    }

    /// What a file of its folder says.
    pub fn attribute(&self, path: &str) -> Result<String> {
        let path = self.folder().join(path);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// A file of its folder that holds a number.
    pub fn number(&self, path: &str) -> Result<u64> {
        let text = self.attribute(path)?;
        text.parse()
            .with_context(|| format!("{path}: {text:?} is not a number"))
    }

    /// Writes to `enabled`.
    pub fn write(&self, value: impl AsRef<[u8]>) -> io::Result<()> {
        fs::write(self.folder().join("enabled"), value)
    }

    /// Switches it on, which must succeed.
    pub fn enable(&self) -> Result<()> {
        self.switch(true)
    }

    /// Switches it off, which must succeed.
    pub fn disable(&self) -> Result<()> {
        self.switch(false)
    }

    fn switch(&self, on: bool) -> Result<()> {
        self.write(if on { "1" } else { "0" })
            .with_context(|| format!("{}: enabled={}: {}", self.name, u8::from(on), self.why()))?;
        self.expect_enabled(on)
    }

    /// Must say that it is on, or off.
    pub fn expect_enabled(&self, on: bool) -> Result<()> {
        let expected = if on { "1" } else { "0" };
        check::equal(
            &format!("{}/enabled", self.name),
            self.attribute("enabled")?.as_str(),
            expected,
        )
    }

    /// Whether it is loaded and a change of it is under way. (A folder is there before its files.)
    pub fn is_changing(&self) -> bool {
        self.attribute("transition").is_ok_and(|value| value == "1")
    }

    /// Waits for a change that follows after the requester got its answer.
    pub fn follows(&self, on: bool) -> Result<()> {
        check::eventually(&format!("{}: the change follows", self.name), || {
            Ok(self.attribute("transition")? == "0")
        })?;
        check::equal("last_error", self.attribute("last_error")?.as_str(), "none")?;
        self.expect_enabled(on)
    }

    /// Writes to `enabled`, which must be refused with this errno and cause.
    pub fn refuse(&self, value: &str, errno: Errno, cause: &str) -> Result<()> {
        check::refused(
            &format!("{}: enabled={value:?}", self.name),
            self.write(value),
            errno,
        )?;
        check_cause(&self.attribute("last_error")?, cause)
    }

    /// Removes the module, which must succeed, and its folder with it.
    pub fn remove(self) -> Result<()> {
        module::remove(&self.name).with_context(|| format!("rmmod {}", self.name))?;
        ensure!(
            !self.folder().exists(),
            "{} is still there",
            self.folder().display()
        );
        Ok(())
    }

    /// Switches it off for all tasks and removes it.
    pub fn retire(self) -> Result<()> {
        self.disable()?;
        self.completes()?;
        self.remove()
    }

    /// Writes to another file of its folder.
    pub fn set(&self, path: &str, value: &str) -> io::Result<()> {
        fs::write(self.folder().join(path), value)
    }

    /// Waits until its transition is complete.
    pub fn completes(&self) -> Result<()> {
        check::eventually(&format!("{}: the transition completes", self.name), || {
            Ok(self.attribute("transition")? == "0")
        })
    }

    /// Must say that so many tasks are left behind.
    pub fn expect_left(&self, left: u64) -> Result<()> {
        check::equal("tasks_left", self.number("tasks_left")?, left)?;
        check::equal(
            "transition",
            self.number("transition")?,
            u64::from(left != 0),
        )
    }

    /// Who was in the way of its last transaction.
    pub fn blockers(&self) -> Result<Vec<String>> {
        Ok(self
            .attribute("blockers")?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    fn why(&self) -> String {
        let blockers = self.attribute("blockers").unwrap_or_default();
        format!(
            "{}; blockers: {blockers:?}",
            self.attribute("last_error").unwrap_or_default()
        )
    }
}

/// Tries to load a patch that must be refused with this errno and cause.
pub fn refuse(name: &str, parameters: &str, errno: Errno, cause: &str) -> Result<()> {
    module::refuse(name, parameters, errno)
        .with_context(|| format!("last_error: {}", last_error()))?;
    check_cause(&last_error(), cause)?;
    let folder = Path::new(MOLT).join(name);
    ensure!(
        !folder.exists(),
        "{name} was refused, and {} exists",
        folder.display()
    );
    Ok(())
}

/// `/sys/kernel/molt/last_error`.
pub fn last_error() -> String {
    global("last_error")
}

/// `/sys/kernel/molt/blockers`: of the last refused transaction.
pub fn last_blockers() -> Vec<String> {
    global("blockers").lines().map(str::to_owned).collect()
}

/// How patches are changed whose authors do not say it.
pub fn set_consistency(model: &str) -> io::Result<()> {
    fs::write(Path::new(MOLT).join("consistency"), model)
}

fn global(file: &str) -> String {
    let text = fs::read_to_string(Path::new(MOLT).join(file));
    text.map_or_else(
        |error| format!("unreadable: {error}"),
        |text| text.trim_end().to_owned(),
    )
}

/// `last_error` is one line, `CAUSE: words`.
pub fn check_cause(last_error: &str, cause: &str) -> Result<()> {
    ensure!(
        last_error.lines().count() == 1 && last_error.split(": ").next() == Some(cause),
        "last_error: {last_error:?}; expected the cause {cause:?}"
    );
    ensure!(
        last_error.len() > cause.len() + 2,
        "last_error has no words: {last_error:?}"
    );
    Ok(())
}

/// Whether a blocker is on its way to a function of `target.ko` or its replacement: preempted in
/// the trampoline, with the return address of the call at the function's entry (+5, or +9 behind
/// ENDBR).
pub fn is_in_trampoline(blocker: &str) -> bool {
    let at = blocker.split(' ').nth(2).unwrap_or_default();
    at.starts_with("target_") && (at.contains("+0x5/") || at.contains("+0x9/"))
}

/// One of the blockers must be this task in this function. Lines are
/// `pid comm function+0xoff/0xsize [module]`.
pub fn expect_blocker(blockers: &[String], pid: u32, comm: &str, function: &str) -> Result<()> {
    let start = format!("{pid} {comm} {function}+0x");
    ensure!(
        blockers
            .iter()
            .any(|line| line.starts_with(&start) && line.contains("/0x")),
        "no blocker {start}… among {blockers:?}"
    );
    Ok(())
}
