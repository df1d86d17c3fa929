// SPDX-License-Identifier: GPL-2.0
//! What is refused, in which words; the file stays as it was every time.

mod common;

use common::{assert_refused, folder, molt_link, Ko};
use object::elf;

const MAP: &str = "\
ffffffff81000000 T _stext
ffffffff81001000 T _etext
ffffffff81000100 t function
ffffffff81000200 t twice
ffffffff81000300 t twice
ffffffff82000000 D datum
ffffffff83000000 D __init_begin
ffffffff83000010 t early
ffffffff83001000 D __init_end
";

fn call(symbol: &str) -> Ko {
    Ko::new().uses(".text", 16, symbol, elf::R_X86_64_PLT32)
}

fn read(symbol: &str) -> Ko {
    Ko::new().uses(".text", 16, symbol, elf::R_X86_64_PC32)
}

/// As `assert_refused`, with the kernel's symbols at hand.
fn assert_refused_with_map(ko: &Ko, arguments: &[&str], words: &[&str]) {
    let map = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(map.path(), MAP).unwrap();
    let mut all = vec!["--system-map", map.path().to_str().unwrap()];
    all.extend(arguments);
    assert_refused(ko, &all, words);
}

fn assert_accepted_with_map(ko: &Ko, arguments: &[&str]) {
    let folder = folder();
    std::fs::write(folder.path().join("map"), MAP).unwrap();
    ko.write(folder.path());
    let mut all = vec!["--system-map", "map"];
    all.extend(arguments);
    all.push("sample.ko");
    let output = molt_link(folder.path(), &all);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn undefined_symbols_are_named_all_at_once() {
    let ko = call("no_such_function")
        .uses(".data", 0, "no_such_datum", elf::R_X86_64_64)
        .uses(".text", 8, "printk", elf::R_X86_64_PLT32)
        .undefined("weak_one", true);
    assert_refused(
        &ko,
        &[],
        &[
            "sample.ko: refused",
            "no_such_function: undefined",
            "no_such_datum: undefined",
            "nothing changed",
        ],
    );
}

#[test]
fn one_refused_module_keeps_the_others_from_being_edited() {
    let folder = folder();
    let good = call(".klp.sym.vmlinux.function,0");
    let path = good.write(folder.path());
    std::fs::write(folder.path().join("bad.ko"), call("nowhere").bytes()).unwrap();
    let output = molt_link(folder.path(), &["sample.ko", "bad.ko"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("1 of 2 modules refused"), "{stderr}");
    assert_eq!(std::fs::read(path).unwrap(), good.bytes());
}

#[test]
fn licenses_and_namespaces() {
    let gpl_only =
        |license| Ko::licensed(license).uses(".text", 8, "gpl_only", elf::R_X86_64_PLT32);
    assert_accepted_with_map(&gpl_only("Dual MIT/GPL"), &[]);
    assert_refused(
        &gpl_only("Proprietary"),
        &[],
        &["gpl_only: exported by vmlinux to GPL-compatible modules only"],
    );
    assert_refused(
        &call("spaced"),
        &[],
        &["spaced: exported by spacer in namespace SPACE"],
    );
    assert_accepted_with_map(&call("spaced").modinfo("import_ns=SPACE"), &[]);
    assert_accepted_with_map(&call("for_some"), &[]);
    assert_refused(&call("for_others"), &[], &["namespace module:sampler"]);
}

#[test]
fn another_modules_exports() {
    let folder = folder();
    let provider = Ko::new()
        .define("__ksymtab_free", ".data", 0)
        .define("__flags_free", ".data", 0)
        .define("__kstrtabns_free", ".data", 0)
        .data(32, b"\x01SPACE\0")
        .define("__ksymtab_bound", ".data", 8)
        .define("__flags_bound", ".data", 32)
        .define("__kstrtabns_bound", ".data", 33);
    std::fs::write(folder.path().join("provider.ko"), provider.bytes()).unwrap();
    let link = |ko: Ko, arguments: &[&str]| {
        ko.write(folder.path());
        let output = molt_link(folder.path(), &[arguments, &["sample.ko"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), stderr)
    };
    let provider = &["--provides", "provider.ko"];

    assert!(!link(call("free"), &[]).0);
    assert!(link(call("free"), provider).0);

    let (accepted, words) = link(call("bound"), provider);
    assert!(!accepted && words.contains("bound: exported by sample in namespace SPACE"));
    assert!(link(call("bound").modinfo("import_ns=SPACE"), provider).0);

    let proprietary = Ko::licensed("none").uses(".text", 8, "bound", elf::R_X86_64_PLT32);
    let (accepted, words) = link(proprietary, provider);
    assert!(!accepted && words.contains("bound: exported by sample to GPL-compatible"));
}

#[test]
fn malformed_names() {
    assert_refused(
        &call(".klp.sym.vmlinux.function"),
        &[],
        &[".klp.sym.vmlinux.function: not of the form", "no comma"],
    );
    let long = format!(".klp.sym.vmlinux.{},0", "x".repeat(512));
    assert_refused(&call(&long), &[], &["longer than 511"]);
}

#[test]
fn relocations_the_loader_cannot_apply() {
    assert_refused(
        &Ko::new().uses(
            ".text",
            16,
            ".klp.sym.vmlinux.datum,0",
            elf::R_X86_64_REX_GOTPCRELX,
        ),
        &[],
        &["used at .text+0x10 by relocation R_X86_64_REX_GOTPCRELX"],
    );
}

#[test]
fn places_that_hold_something() {
    assert_refused(
        &call(".klp.sym.vmlinux.function,0").code(18, &[1]),
        &[],
        &["used at .text+0x10, where the file has other bytes than zero"],
    );
}

#[test]
fn tables_of_code_to_be_rewritten() {
    for (section, why) in [
        (".altinstructions", "depend on the CPU"),
        (".retpoline_sites", "mitigations"),
        (".call_sites", "mitigations"),
        ("__patchable_function_entries", "ftrace sites"),
        ("__mcount_loc", "ftrace sites"),
        (".orc_unwind_ip", "stack frames"),
        ("__ksymtab", "exported again"),
        (".gnu.linkonce.this_module", "through a pointer"),
    ] {
        let ko = Ko::new().uses(section, 0, ".klp.sym.vmlinux.datum,0", elf::R_X86_64_PC32);
        assert_refused(&ko, &[], &[section, why]);
    }
}

#[test]
fn keys_of_the_kernel_may_be_in_tables() {
    for section in ["__jump_table", ".static_call_sites"] {
        let ko = Ko::new().uses(section, 8, ".klp.sym.vmlinux.datum,0", elf::R_X86_64_PC64);
        assert_accepted_with_map(&ko, &[]);
    }
}

#[test]
fn names_the_kernel_does_not_have() {
    assert_refused_with_map(
        &call(".klp.sym.vmlinux.nothing,0"),
        &[],
        &["the kernel has no symbol nothing"],
    );
    assert_refused_with_map(
        &call(".klp.sym.vmlinux.twice,0"),
        &[],
        &["ambiguous, there are 2", "from 1 to 2"],
    );
    assert_refused_with_map(
        &call(".klp.sym.vmlinux.twice,3"),
        &[],
        &["there are only 2"],
    );
    assert_refused_with_map(
        &call(".klp.sym.vmlinux.early,0"),
        &[],
        &["freed after the start"],
    );
    assert_accepted_with_map(&call(".klp.sym.vmlinux.twice,2"), &[]);
}

#[test]
fn functions_are_called_and_data_are_not() {
    let function = ".klp.sym.vmlinux.function,0";
    let datum = ".klp.sym.vmlinux.datum,0";
    assert_accepted_with_map(&call(function), &[]);
    assert_accepted_with_map(&read(datum), &[]);
    assert_refused_with_map(&call(datum), &[], &["called at .text+0x10, but it is data"]);

    let words = &[
        "address is taken at .text+0x10",
        "it is a function",
        "ENDBR",
    ];
    assert_refused_with_map(&read(function), &[], words);
    assert_accepted_with_map(&read(function), &["--allow-address", "function"]);
    let pointer = Ko::new().uses(".data", 8, function, elf::R_X86_64_64);
    assert_refused_with_map(&pointer, &[], &["address is taken at .data+0x8"]);

    // Without the kernel's symbols, what is called is known to be a function.
    let both = call(function).uses(".text", 24, function, elf::R_X86_64_32S);
    assert_refused(&both, &[], &[".text+0x18", "being called elsewhere"]);
}

#[test]
fn an_edited_module_is_still_checked() {
    let folder = folder();
    std::fs::write(folder.path().join("map"), MAP).unwrap();
    call(".klp.sym.vmlinux.nothing,0").write(folder.path());
    assert!(molt_link(folder.path(), &["sample.ko"]).status.success());
    let output = molt_link(folder.path(), &["--system-map", "map", "sample.ko"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn files_that_are_no_modules() {
    let folder = folder();
    let path = folder.path().join("sample.ko");
    let mut signed = call(".klp.sym.vmlinux.function,0").bytes();
    signed.extend_from_slice(b"~Module signature appended~\n");
    for (bytes, words) in [
        (b"not ELF".to_vec(), "not a 64-bit ELF file"),
        (Vec::new(), "not a 64-bit ELF file"),
        (signed, "signed already"),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let output = molt_link(folder.path(), &["sample.ko"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr.contains("sample.ko") && stderr.contains(words),
            "{stderr}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn damaged_modules_never_crash_it() {
    let bytes = call(".klp.sym.vmlinux.function,0").bytes();
    for length in (0..bytes.len()).step_by(61) {
        _ = molt_link::module::Module::parse(&bytes[..length]);
    }
    // Every byte of the file, set to a bad value in turn.
    for index in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0xff;
        if let Ok(module) = molt_link::module::Module::parse(&damaged) {
            _ = molt_link::klp::edit::edit(&damaged, &module);
        }
    }
}
