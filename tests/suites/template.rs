// SPDX-License-Identifier: GPL-2.0

//! `samples/template`, taken elsewhere as its README says, becomes a patch module; also one of a
//! module that is not the kernel's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout.
fn top() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("it is in the checkout").into()
}

/// A copy of the template in a folder of its own.
fn copied(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // The one of the last run, if any.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a new folder");
    for file in ["Kbuild", "Makefile", "patch.rs"] {
        let from = top().join("samples/template").join(file);
        fs::copy(from, folder.join(file)).expect("it can be copied");
    }
    folder
}

/// `make` in `folder`, with these folders of modules.
fn make(folder: &Path, modules: &str) {
    let output = Command::new("make")
        .arg("-C")
        .arg(folder)
        .arg(format!("MOLT={}", top().display()))
        .env("MOLT_BTF_MODULES", modules)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .expect("make runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(folder.join("patch.ko").exists(), "there is no patch.ko");
}

#[test]
fn patch_of_the_kernel() {
    make(&copied("template"), "");
}

#[test]
fn patch_of_a_module_of_ones_own() {
    let folder = copied("template-module");
    let source = folder.join("patch.rs");
    let text = "
//! A module's function, with the prototype that its BTF has.

use molt::prelude::*;

patch! {
    description: \"A function of a module of one's own\",
    license: \"GPL\",
    mine: { ext4_exit_pageio => nothing },
}

extern \"C\" fn nothing() {}
";
    fs::write(source, text).expect("it can be written");
    // One that has BTF, by another name.
    let modules = env::var("MOLT_MODULES").expect("make tells where the kernel's are");
    let ext4 = Path::new(&modules).join("kernel/fs/ext4/ext4.ko.xz");
    fs::copy(ext4, folder.join("mine.ko.xz")).expect("it can be copied");
    make(&folder, &folder.display().to_string());
}

/// `scripts/new`, which `make new` calls.
fn new(name: &str, folder: &Path) -> Result<(), String> {
    let output = Command::new(top().join("scripts/new"))
        .arg(name)
        .arg(folder)
        .output()
        .expect("the script can be started");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn patch_that_was_begun_with_make_new() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("begun");
    let _ = fs::remove_dir_all(&folder);
    new("my_fix2", &folder).expect("a new folder");
    let output = Command::new("make")
        .arg("-C")
        .arg(&folder)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .expect("make runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(folder.join("my_fix2.ko").exists(), "there is no my_fix2.ko");
    let again = new("my_fix2", &folder).expect_err("it exists");
    assert!(again.contains("exists already"), "{again}");
}

#[test]
fn names_that_no_patch_can_have() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("never");
    let long = "a".repeat(56);
    for (name, why) in [
        ("", "which name"),
        ("crc-itu-t", "small letters"),
        ("fix.ko", "small letters"),
        ("2fix", "small letters"),
        (&long, "too long"),
        ("blockers", "/sys/kernel/molt"),
        ("consistency", "/sys/kernel/molt"),
        ("core", "a Rust crate"),
        ("kernel", "a Rust crate"),
        ("pin_init", "a Rust crate"),
    ] {
        let error = new(name, &folder).expect_err(name);
        assert!(error.contains(why), "{name}: {error}");
        assert!(!folder.exists(), "{name}");
    }
}

#[test]
fn folders_that_kbuild_cannot_work_in() {
    for part in ["two words", "a:b"] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(part)
            .join("fix");
        let error = new("fix", &folder).expect_err(part);
        assert!(error.contains("no folder with a blank"), "{error}");
        assert!(!folder.exists(), "{part}");
    }
}
