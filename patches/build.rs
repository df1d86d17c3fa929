// SPDX-License-Identifier: GPL-2.0
//! Lists the probes: every folder beside this file that holds a `probe.rs`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::var("CARGO_MANIFEST_DIR")?;
    println!("cargo::rerun-if-changed={folder}");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.path().join("probe.rs").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();

    let mut source = String::new();
    for name in &names {
        let file = Path::new(&folder).join(name).join("probe.rs");
        writeln!(source, "#[path = {file:?}] mod {name};")?;
    }
    writeln!(source, "/// All probes.\npub const ALL: &[Probe] = &[")?;
    for name in &names {
        writeln!(source, "Probe {{ name: {name:?}, run: {name}::probe }},")?;
    }
    writeln!(source, "];")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("all.rs"), source)?;
    Ok(())
}
