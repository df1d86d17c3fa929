// SPDX-License-Identifier: GPL-2.0
//! `molt-link`: the last step of building a module that uses private kernel symbols.

use anyhow::{bail, Context, Result};
use clap::Parser;
use molt_link::check::Checker;
use molt_link::file;
use molt_link::kernel_image;
use molt_link::kernel_symbols::KernelSymbols;
use molt_link::klp::edit::{edit, Summary};
use molt_link::module::Module;
use molt_link::modules::Modules;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Let the kernel resolve the private symbols of finished modules
///
/// Symbols named .klp.sym.<object>.<name>,<position> become livepatch symbols, which the kernel
/// looks up itself: those of vmlinux while the module loads, those of a module when molt patches
/// that. Every other undefined symbol must be exported by a
/// Module.symvers or a module given. All files are checked before the first is changed; a second
/// run changes nothing.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Check only, change nothing
    #[arg(long)]
    check_only: bool,

    /// A Module.symvers: of the kernel, of the modules being built (may be repeated)
    #[arg(long, value_name = "FILE", required = true)]
    symvers: Vec<PathBuf>,

    /// A built module whose exports may be used too (may be repeated)
    #[arg(long, value_name = "FILE.ko")]
    provides: Vec<PathBuf>,

    /// The kernel image, unpacked by extract-vmlinux: check that private symbols exist, are
    /// unambiguous and stay after boot, and that calls through pointers may land on them
    #[arg(long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// Instead of the image, a System.map or /proc/kallsyms: the same checks, but then no address
    /// of a private function may be taken at all
    #[arg(long, value_name = "FILE", conflicts_with = "vmlinux")]
    system_map: Option<PathBuf>,

    /// A folder with modules, searched for those whose private symbols are used: the same checks
    /// for them (may be repeated)
    #[arg(long, value_name = "FOLDER")]
    modules: Vec<PathBuf>,

    /// A private function whose address may be taken all the same, since it is only compared (may
    /// be repeated)
    #[arg(long, value_name = "NAME")]
    allow_address: Vec<String>,

    /// Say what was done
    #[arg(short, long)]
    verbose: bool,

    /// Modules to edit in place
    #[arg(value_name = "FILE.ko", required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("molt-link: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let checker = read_checker(arguments)?;

    let mut edits = Vec::new();
    let mut refused = 0;
    for path in &arguments.files {
        let name = path.display();
        let data = read(path)?;
        let module = Module::parse(&data).with_context(|| name.to_string())?;
        let problems = checker.check(&module, &data);
        if problems.is_empty() {
            let edited = edit(&data, &module).with_context(|| name.to_string())?;
            edits.push((path, edited));
            continue;
        }
        refused += 1;
        eprintln!("molt-link: {name}: refused");
        for problem in problems {
            eprintln!("  {problem}");
        }
    }
    if refused != 0 {
        bail!(
            "{refused} of {} modules refused, nothing changed",
            arguments.files.len()
        );
    }

    for (path, edited) in edits {
        let name = path.display();
        let Some((contents, summary)) = edited else {
            say(arguments, path, "nothing to do");
            continue;
        };
        if arguments.check_only {
            say(
                arguments,
                path,
                &format!("to be edited: {}", words(&summary)),
            );
            continue;
        }
        file::replace(path, &contents).with_context(|| name.to_string())?;
        say(arguments, path, &words(&summary));
    }
    Ok(())
}

fn read_checker(arguments: &Arguments) -> Result<Checker> {
    let mut checker = Checker::default();
    for path in &arguments.symvers {
        let text = read_text(path)?;
        checker
            .exports
            .add_symvers(&text)
            .with_context(|| path.display().to_string())?;
    }
    for path in &arguments.provides {
        let data = read(path)?;
        let module = Module::parse(&data).with_context(|| path.display().to_string())?;
        checker.exports.add_module(&module, &data);
    }
    if let Some(path) = &arguments.vmlinux {
        let symbols = kernel_image::read(&read(path)?);
        checker.kernel = Some(symbols.with_context(|| path.display().to_string())?);
    }
    if let Some(path) = &arguments.system_map {
        let symbols = KernelSymbols::parse_map(&read_text(path)?);
        checker.kernel = Some(symbols.with_context(|| path.display().to_string())?);
    }
    checker.modules = Modules::new(arguments.modules.clone());
    checker.addresses_allowed = arguments.allow_address.iter().cloned().collect();
    Ok(checker)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn say(arguments: &Arguments, path: &Path, words: &str) {
    if arguments.verbose {
        println!("{}: {words}", path.display());
    }
}

fn words(summary: &Summary) -> String {
    format!(
        "{} private symbols, {} relocations in {} sections",
        summary.symbols, summary.relocations, summary.sections
    )
}
