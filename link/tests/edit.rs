// SPDX-License-Identifier: GPL-2.0
//! What an edited module looks like.

mod common;

use common::{folder, molt_link, Ko};
use molt_link::klp::{SHF_RELA_LIVEPATCH, SHN_LIVEPATCH};
use molt_link::module::Module;
use object::elf;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const FUNCTION: &str = ".klp.sym.vmlinux.kallsyms_lookup_name,0";
const DATA: &str = ".klp.sym.vmlinux.saved_command_line,1";

fn sample() -> Ko {
    Ko::new()
        .uses(".text", 8, "printk", elf::R_X86_64_PLT32)
        .uses(".text", 16, FUNCTION, elf::R_X86_64_PLT32)
        .uses(".text", 24, DATA, elf::R_X86_64_PC32)
        .uses(".init.text", 8, FUNCTION, elf::R_X86_64_PLT32)
        .uses(".data", 0, DATA, elf::R_X86_64_64)
        .uses(".debug_info", 0, DATA, elf::R_X86_64_64)
}

fn edit(folder: &Path, ko: &Ko) -> Vec<u8> {
    let path = ko.write(folder);
    let output = molt_link(folder, &["sample.ko"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    std::fs::read(path).unwrap()
}

/// The relocations of a section, as (place, symbol, type), ordinary or livepatch's.
fn relocations(module: &Module, section: &str, livepatch: bool) -> Vec<(u64, String, u32)> {
    let all = module.relocations.iter();
    all.filter(|r| module.sections[r.target].name == section && r.livepatch == livepatch)
        .filter(|r| r.r_type != elf::R_X86_64_NONE)
        .map(|r| (r.place, module.symbols[r.symbol].name.clone(), r.r_type))
        .collect()
}

#[test]
fn private_symbols_and_their_relocations_become_livepatchs() {
    let folder = folder();
    let module = Module::parse(&edit(folder.path(), &sample())).unwrap();

    for symbol in &module.symbols {
        let expected = match symbol.name.as_str() {
            FUNCTION | DATA => SHN_LIVEPATCH,
            "printk" => elf::SHN_UNDEF,
            _ => continue,
        };
        assert_eq!(symbol.shndx, expected, "{}", symbol.name);
    }
    assert_eq!(
        relocations(&module, ".text", true),
        [
            (16, FUNCTION.to_owned(), elf::R_X86_64_PLT32),
            (24, DATA.to_owned(), elf::R_X86_64_PC32),
        ]
    );
    assert_eq!(
        relocations(&module, ".text", false),
        [(8, "printk".to_owned(), elf::R_X86_64_PLT32)]
    );
    assert_eq!(relocations(&module, ".init.text", true).len(), 1);
    assert_eq!(relocations(&module, ".data", true).len(), 1);
    // What is not loaded is not relocated, so it stays as it is.
    assert_eq!(relocations(&module, ".debug_info", true), []);
    assert_eq!(relocations(&module, ".debug_info", false).len(), 1);

    let mut names: Vec<_> = module
        .sections
        .iter()
        .filter(|s| s.sh_flags & SHF_RELA_LIVEPATCH != 0)
        .map(|s| {
            assert_eq!(s.sh_type, elf::SHT_RELA);
            assert!(s.is_allocated());
            s.name.as_str()
        })
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            ".klp.rela.vmlinux..data",
            ".klp.rela.vmlinux..init.text",
            ".klp.rela.vmlinux..text"
        ]
    );
}

#[test]
fn everything_else_stays() {
    let folder = folder();
    let before_bytes = sample().bytes();
    let after_bytes = edit(folder.path(), &sample());
    let before = Module::parse(&before_bytes).unwrap();
    let after = Module::parse(&after_bytes).unwrap();

    assert_eq!(before.symbols.len(), after.symbols.len());
    for (old, new) in before.symbols.iter().zip(&after.symbols) {
        assert_eq!((&old.name, old.offset), (&new.name, new.offset));
    }
    for (old, new) in before.sections.iter().zip(&after.sections) {
        assert_eq!((&old.name, old.sh_type), (&new.name, new.sh_type));
        if old.name == ".shstrtab" {
            continue;
        }
        assert_eq!(old.bytes, new.bytes, "{} moved", old.name);
        if old.sh_type == elf::SHT_PROGBITS || old.sh_type == elf::SHT_STRTAB {
            assert_eq!(
                before_bytes[old.bytes.clone()],
                after_bytes[new.bytes.clone()],
                "{} changed",
                old.name
            );
        }
    }
    // The old section names and headers are not left behind as dead bytes.
    let names: usize = after.sections.iter().map(|s| s.name.len() + 1).sum();
    let grown = after_bytes.len() - before_bytes.len();
    assert!(grown < names + 4 * 24 + 3 * 64 + 32, "grew by {grown}");
}

#[test]
fn a_second_run_changes_nothing() {
    let folder = folder();
    let once = edit(folder.path(), &sample());
    let output = molt_link(folder.path(), &["--verbose", "sample.ko"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing to do"));
    assert_eq!(
        std::fs::read(folder.path().join("sample.ko")).unwrap(),
        once
    );
}

#[test]
fn a_module_without_private_symbols_is_left_alone() {
    let folder = folder();
    let ko = Ko::new().uses(".text", 8, "printk", elf::R_X86_64_PLT32);
    assert_eq!(edit(folder.path(), &ko), ko.bytes());
}

#[test]
fn check_only_changes_nothing() {
    let folder = folder();
    let path = sample().write(folder.path());
    let output = molt_link(folder.path(), &["--check-only", "-v", "sample.ko"]);
    assert!(output.status.success());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("to be edited: 2 private symbols, 4 relocations in 3 sections"),
        "{stdout}"
    );
    assert_eq!(std::fs::read(path).unwrap(), sample().bytes());
}

#[test]
fn the_mode_stays_and_a_link_stays_a_link() {
    let folder = folder();
    let path = sample().write(folder.path());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("sample.ko", folder.path().join("link.ko")).unwrap();

    let output = molt_link(folder.path(), &["link.ko"]);
    assert!(output.status.success());
    assert_ne!(std::fs::read(&path).unwrap(), sample().bytes());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let link = std::fs::symlink_metadata(folder.path().join("link.ko")).unwrap();
    assert!(link.is_symlink());
}

#[test]
fn readelf_finds_no_fault() {
    if Command::new("readelf").arg("--version").output().is_err() {
        eprintln!("skipped: no readelf");
        return;
    }
    let folder = folder();
    edit(folder.path(), &sample());
    let output = Command::new("readelf")
        .args(["-aW", "sample.ko"])
        .current_dir(folder.path())
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
    assert!(stdout.contains("OS [0xff20]"), "{stdout}");
    let section = stdout
        .lines()
        .find(|l| l.contains(".klp.rela.vmlinux..text"));
    assert!(section.unwrap().contains(" 18 AIo "), "{stdout}");
}
