// SPDX-License-Identifier: GPL-2.0
//! Private symbols of modules.

mod common;

use common::{assert_refused, folder, molt_link, Ko};
use molt_link::klp::{SHF_RELA_LIVEPATCH, SHN_LIVEPATCH};
use molt_link::module::Module;
use object::elf;
use object::SectionKind;
use std::process::Command;

const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
const FUNCTION: &str = ".klp.sym.some_module.function,0";
const DATUM: &str = ".klp.sym.some_module.datum,0";

/// A patch as `patch!` makes it.
fn patch() -> Ko {
    Ko::new().modinfo("livepatch=Y")
}

fn call(symbol: &str) -> Ko {
    patch().uses(".text", 16, symbol, elf::R_X86_64_PLT32)
}

fn read(symbol: &str) -> Ko {
    patch().uses(".text", 16, symbol, elf::R_X86_64_PC32)
}

/// `some-module.ko`: `landing` keeps its ENDBR, `sealed` loses it, `function` has none.
fn provider() -> Vec<u8> {
    let mut ko = Ko::new();
    ko.section(".ibt_endbr_seal", SectionKind::ReadOnlyData, 4);
    ko.code(0, &ENDBR)
        .code(16, &ENDBR)
        .define("landing", ".text", 0)
        .define("sealed", ".text", 16)
        .define("function", ".text", 32)
        .define("early", ".init.text", 0)
        .define("datum", ".data", 0)
        .relocated(".ibt_endbr_seal", 0, "sealed", elf::R_X86_64_PC32, 0)
        .bytes()
}

/// What molt-link says of a patch when `some-module` is in a folder below `modules`.
fn link(ko: &Ko, arguments: &[&str]) -> Result<Module, String> {
    let folder = folder();
    let path = ko.write(folder.path());
    let modules = folder.path().join("modules/kernel");
    std::fs::create_dir_all(&modules).unwrap();
    std::fs::write(modules.join("some-module.ko"), provider()).unwrap();
    let output = molt_link(
        folder.path(),
        &[&["--modules", "modules"], arguments, &["sample.ko"]].concat(),
    );
    if output.status.success() {
        Ok(Module::parse(&std::fs::read(path).unwrap()).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn refused(ko: &Ko, words: &str) {
    let said = link(ko, &[]).unwrap_err();
    assert!(said.contains(words), "no {words:?} in: {said}");
}

#[test]
fn each_object_has_its_own_sections() {
    let both = call(FUNCTION)
        .uses(
            ".text",
            24,
            ".klp.sym.vmlinux.private,0",
            elf::R_X86_64_PLT32,
        )
        .uses(".data", 0, DATUM, elf::R_X86_64_64);
    let module = link(&both, &[]).unwrap();
    let mut sections: Vec<_> = module
        .sections
        .iter()
        .filter(|section| section.sh_flags & SHF_RELA_LIVEPATCH != 0)
        .map(|section| {
            // The relocations are needed as long as the patch is there.
            assert!(section.is_allocated() && !section.is_init());
            section.name.as_str()
        })
        .collect();
    sections.sort_unstable();
    assert_eq!(
        sections,
        [
            ".klp.rela.some_module..data",
            ".klp.rela.some_module..text",
            ".klp.rela.vmlinux..text"
        ]
    );
    for symbol in [FUNCTION, DATUM] {
        let symbol = module.symbols.iter().find(|s| s.name == symbol).unwrap();
        assert_eq!(symbol.shndx, SHN_LIVEPATCH);
    }
}

#[test]
fn only_a_patch_may_have_them() {
    let ordinary = Ko::new().uses(".text", 16, FUNCTION, elf::R_X86_64_PLT32);
    assert_refused(&ordinary, &[], &["livepatch=Y", FUNCTION]);
}

#[test]
fn names_the_module_does_not_have() {
    let named = |name: &str| format!(".klp.sym.some_module.{name}");
    refused(
        &call(&named("nothing,0")),
        "the module some_module has no symbol nothing",
    );
    refused(&call(&named("function,2")), "there are only 1");
    refused(&call(&named("early,0")), "freed after the start");
    refused(&call(DATUM), "called at .text+0x10, but it is data");
    assert!(link(&call(&named("function,1")), &[]).is_ok());
    assert!(link(&read(DATUM), &[]).is_ok());
}

#[test]
fn functions_keep_their_addresses_to_themselves() {
    refused(&read(FUNCTION), "a function without ENDBR");
    refused(
        &read(".klp.sym.some_module.sealed,0"),
        "a function without ENDBR",
    );
    assert!(link(&read(".klp.sym.some_module.landing,0"), &[]).is_ok());
    assert!(link(&read(FUNCTION), &["--allow-address", "function"]).is_ok());
}

#[test]
fn of_an_unknown_module_only_calls_are_certain() {
    let elsewhere = ".klp.sym.elsewhere.something,0";
    assert!(link(&call(elsewhere), &[]).is_ok());
    refused(&read(elsewhere), "in none of the folders given");
    assert!(link(&read(elsewhere), &["--allow-address", "something"]).is_ok());
}

#[test]
fn a_module_may_be_compressed() {
    let folder = folder();
    std::fs::write(folder.path().join("some-module.ko"), provider()).unwrap();
    let gzip = Command::new("gzip")
        .arg(folder.path().join("some-module.ko"))
        .status();
    assert!(gzip.unwrap().success());
    let run = |symbol: &str| {
        call(symbol).write(folder.path());
        let output = molt_link(folder.path(), &["--modules", ".", "sample.ko"]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(run(FUNCTION), "");
    assert!(run(".klp.sym.some_module.nothing,0").contains("has no symbol nothing"));
    std::fs::write(folder.path().join("other.ko.gz"), "not gzip").unwrap();
    assert!(run(".klp.sym.other.nothing,0").contains("the module other cannot be read"));
}

#[test]
fn what_the_kernel_has_read_by_then() {
    for (section, why) in [
        (".init.text", "given back"),
        (".init.data", "given back"),
        ("__jump_table", "static key of a module"),
        (".static_call_sites", "__SCT__NAME"),
        ("__param", "no address yet"),
        (".data..percpu", "copied for each CPU"),
        (".altinstructions", "depend on the CPU"),
    ] {
        let mut ko = patch();
        if section != ".init.text" {
            ko.section(section, SectionKind::Data, 64);
        }
        refused(&ko.uses(section, 8, DATUM, elf::R_X86_64_64), why);
    }
}
