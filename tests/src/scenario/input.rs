// SPDX-License-Identifier: GPL-2.0
//! Bad input: refused, and nothing changes.

use std::fs;

use anyhow::Result;
use rustix::io::Errno;

use crate::guest::patch::{Patch, MOLT};
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, module, target, Guest};

scenarios! { input:
    garbage_in_enabled,
    words_for_enabled,
    where_it_is_already,
    garbage_in_parameters,
    read_only_files,
    core_cannot_go_first,
}

/// EINVAL, whether the patch is on or off.
fn garbage_in_enabled(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    let long = "1".repeat(4000);
    let garbage: [&[u8]; 12] = [
        b"2",
        b"-1",
        b"x",
        b"10",
        b"1 0",
        b"0x",
        b" ",
        b"\n",
        b"\0",
        b"1\0",
        b"\xff\xfe",
        long.as_bytes(),
    ];
    for on in [true, false] {
        let before = Snapshot::take()?;
        for value in garbage {
            let action = format!(
                "enabled={:?}",
                String::from_utf8_lossy(&value[..value.len().min(9)])
            );
            check::refused(&action, patch.write(value), Errno::INVAL)?;
            patch.expect_enabled(on)?;
        }
        // Nothing at all: the kernel does not even call the core.
        patch.write("")?;
        before.expect_same()?;
        target::expect("value", if on { "2" } else { "1" })?;
        patch.write("0")?;
    }
    patch.remove()
}

/// With the newline that `echo` adds, and without.
fn words_for_enabled(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    for (value, on) in [("0\n", false), ("1\n", true), ("0", false), ("1", true)] {
        patch.write(value)?;
        patch.expect_enabled(on)?;
    }
    patch.retire()
}

/// Switching on what is on is no error and no transaction.
fn where_it_is_already(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    let other = Patch::load("patch_value_again")?;
    let before = Snapshot::take()?;
    patch.enable()?;
    before.expect_same()?;
    target::expect("value", "3")?;
    other.retire()?;
    patch.disable()?;
    let before = Snapshot::take()?;
    patch.disable()?;
    before.expect_same()?;
    patch.remove()
}

/// Refused by the loader before anything happens.
fn garbage_in_parameters(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let before = Snapshot::take()?;
    for (parameters, errno) in [
        ("deadline_ms=x", Errno::INVAL),
        ("deadline_ms=", Errno::INVAL),
        ("deadline_ms=-1", Errno::INVAL),
        ("deadline_ms=99999999999", Errno::RANGE),
    ] {
        let outcome = module::load_with("patch_value", parameters);
        match errno {
            // What cannot be a u32 is one of the two, as the kernel's parser sees it.
            Errno::RANGE
                if outcome
                    .as_ref()
                    .is_err_and(|error| error.raw_os_error() == Some(22)) => {}
            errno => check::refused(parameters, outcome, errno)?,
        }
        before.expect_same()?;
    }
    // No patience at all is a fair wish when nobody is in the way.
    Patch::load_with("patch_value", "deadline_ms=0")?.retire()?;
    before.expect_same()
}

/// What may be written takes words of its own; the rest takes nothing.
fn read_only_files(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    let before = Snapshot::take()?;
    for entry in fs::read_dir(patch.folder())? {
        let path = entry?.path();
        let writes = ["enabled", "poke", "force"]
            .iter()
            .any(|name| path.ends_with(name));
        if path.is_file() && !writes {
            check::equal(
                &format!("write to {}", path.display()),
                fs::write(&path, "1").is_err(),
                true,
            )?;
        }
    }
    check::equal(
        "write to last_error",
        fs::write(format!("{MOLT}/last_error"), "1").is_err(),
        true,
    )?;
    before.expect_same()?;
    patch.retire()
}

/// The core stays while a patch is loaded, enabled or not.
fn core_cannot_go_first(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_value")?;
    check::refused("rmmod molt", module::remove("molt"), Errno::AGAIN)?;
    check::refused(
        "rmmod patch_value",
        module::remove("patch_value"),
        Errno::AGAIN,
    )?;
    check::refused("insmod again", module::load("patch_value"), Errno::EXIST)?;
    target::expect("value", "2")?;
    patch.disable()?;
    check::refused("rmmod molt", module::remove("molt"), Errno::AGAIN)?;
    patch.remove()?;
    module::remove_all(&["molt", "target"])
}
