// SPDX-License-Identifier: GPL-2.0
//! Patches as authors get them wrong (`tests/author`): each is compiled as kbuild
//! would, and the compiler must say what stands beside it in `NAME.expected`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::kernel;

/// One patch that is to be compiled.
pub struct Author {
    source: PathBuf,
}

impl Author {
    /// All of them, by name.
    pub fn all() -> Result<Vec<Self>> {
        let folder = kernel::checkout().join("tests/author");
        let mut sources = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
        sources.sort();
        Ok(sources.into_iter().map(|source| Self { source }).collect())
    }

    /// `author::NAME`.
    pub fn name(&self) -> String {
        format!(
            "author::{}",
            self.source
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
        )
    }

    /// Compiles it and compares; the error is the complete text for the reader.
    pub fn run(&self) -> Result<(), String> {
        self.try_run()
            .unwrap_or_else(|error| Err(format!("ERROR: {error:#}")))
    }

    fn try_run(&self) -> Result<Result<(), String>> {
        let beside = self.source.with_extension("expected");
        let expected = fs::read_to_string(&beside).with_context(|| beside.display().to_string())?;
        let compiler = kernel::checkout().join("tests/author/compile");
        let output = Command::new(&compiler)
            .arg(&self.source)
            .output()
            .with_context(|| compiler.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let wrong = judge(&expected, output.status.success(), &said);
        Ok(wrong.map_or(Ok(()), |wrong| {
            Err(format!("{wrong}\n\nthe compiler said:\n{said}"))
        }))
    }
}

/// What is wrong with what the compiler said, if anything.
fn judge(expected: &str, compiled: bool, said: &str) -> Option<String> {
    if expected.trim().is_empty() {
        return (!compiled || said.contains("warning"))
            .then(|| "it must compile, without a warning".into());
    }
    if compiled {
        return Some("it must not compile".into());
    }
    let mut said = said.lines();
    expected
        .lines()
        .find(|line| !said.any(|output| output.contains(*line)))
        .map(|line| format!("not said, or not in this order: {line}"))
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn every_line_in_order() {
        let said = "error: a is wrong\n --> x\nerror: b is wrong\n";
        assert_eq!(judge("a is\nb is", false, said), None);
        assert!(judge("b is\na is", false, said).is_some());
        assert!(judge("c is", false, said).is_some());
        assert!(judge("a is", true, said).is_some());
    }

    #[test]
    fn nothing_expected_means_that_it_compiles() {
        assert_eq!(judge("", true, ""), None);
        assert!(judge("", true, "warning: unused").is_some());
        assert!(judge("\n", false, "").is_some());
    }
}
