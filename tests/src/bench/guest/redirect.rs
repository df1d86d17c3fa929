// SPDX-License-Identifier: GPL-2.0
//! How molt gets calls to the replacements, and choosing it.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

use super::since;
use crate::guest::check;
use crate::guest::patch::Patch;

/// A way from a function to its replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// Through ftrace's trampoline and molt's handler.
    Ftrace,
    /// By a call or jump at the entry.
    Direct,
}

impl Redirect {
    /// As the file says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ftrace => "ftrace",
            Self::Direct => "direct",
        }
    }

    /// Has it from now on; how long that took.
    pub fn choose(self, patch: &Patch) -> Result<u64> {
        let file = patch.folder().join("redirect");
        let begun = Instant::now();
        fs::write(&file, self.word()).with_context(|| format!("redirect={}", self.word()))?;
        let took = since(begun);
        check::equal(
            "redirect",
            patch.attribute("redirect")?.as_str(),
            self.word(),
        )?;
        Ok(took)
    }
}
