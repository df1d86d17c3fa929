// SPDX-License-Identifier: GPL-2.0

//! Faults of building that are known and not mended yet: what should be refused is not. Each test
//! says what should be and is expected to fail; its mark goes when the fault does.
//!
//! Those of the core are in `src/scenario/found.rs`.

use std::path::Path;
use std::process::{Command, Output};

use molt_tests::host::kernel;

fn expect_refused(what: &str, output: &Output, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{what} was built");
    assert!(said.contains(says), "{what}: {said}");
}

fn compile(name: &str) -> Output {
    let folder = kernel::checkout().join("tests/author");
    Command::new(folder.join("compile"))
        .arg(folder.join("found").join(name))
        .output()
        .expect("the compiler can be started")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("`make test` sets {name}"))
}

/// What molt-link says of a module that it has seen already.
fn link(name: &str) -> Output {
    let built = variable("MOLT_OUT");
    let built = Path::new(&built);
    Command::new(kernel::checkout().join("build/cargo/release/molt-link"))
        .args(["--symvers", &variable("MOLT_SYMVERS")])
        .arg("--symvers")
        .arg(built.join("Module.symvers"))
        .args(["--vmlinux", &variable("MOLT_VMLINUX")])
        .arg(built.join("tests/modules").join(name))
        .output()
        .expect("molt-link can be started")
}

/// No module can have a `-` in its name: the patch waits for ever.
#[test]
#[should_panic(expected = "dashed.rs was built")]
fn an_object_that_no_module_can_be() {
    expect_refused("dashed.rs", &compile("dashed.rs"), "crc_itu_t");
}

/// Programs of 32 bits walk around the fix.
#[test]
#[should_panic(expected = "compat.rs was built")]
fn an_entry_that_is_forgotten() {
    expect_refused(
        "compat.rs",
        &compile("compat.rs"),
        "__ia32_compat_sys_times",
    );
}

/// There is no such function; the load would fail with `not_found`.
#[test]
#[should_panic(expected = "found_clones was built")]
fn a_function_of_which_there_is_a_clone_only() {
    expect_refused("found_clones", &link("found_clones.ko"), ".isra.0");
}

/// Callers go past the entry: the patch would read `enabled`, and statfs(2) would not be patched.
#[test]
#[should_panic(expected = "found_parts was built")]
fn a_function_that_was_split() {
    expect_refused("found_parts", &link("found_parts.ko"), "user_statfs");
}

/// A caller does not look at what the replacement returns.
#[test]
#[should_panic(expected = "found_unlink was built")]
fn a_result_that_a_caller_knows() {
    expect_refused("found_unlink", &link("found_unlink.ko"), "shmem_rmdir");
}
