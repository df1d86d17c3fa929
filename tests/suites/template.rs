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
