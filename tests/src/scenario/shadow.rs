// SPDX-License-Identifier: GPL-2.0
//! Shadow variables: values that belong to objects of the kernel.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::thread;

use anyhow::{anyhow, ensure, Context, Result};
use rustix::io::Errno;

use crate::guest::patch::Patch;
use crate::guest::{check, module, target, Guest};

scenarios! { shadow:
    found_by_object_and_id,
    first_value_stays,
    failed_init_leaves_nothing,
    many_objects.seconds(120),
    dropped_once,
    one_value_for_all_who_come_at_once,
    survives_to_the_successor,
    sample,
}

/// The ids of `patch_shadow`: of a value that counts and sleeps when dropped, and of an aligned
/// one.
const PLAIN: u32 = 0x1234;
const ALIGNED: u32 = 0x1235;

/// Has `target_object` do an operation (see `tests/modules/shadow/operations.rs`).
fn operate(object: u32, id: u32, operation: u32, value: i64) -> Result<Result<i64, Errno>> {
    let path = target::path("object");
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.write_all(format!("{object} {id:x} {operation} {value}").as_bytes())?;
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let result: i64 = text.trim().parse().with_context(|| text.clone())?;
    Ok(match i32::try_from(result) {
        Ok(errno @ -4095..0) => Err(Errno::from_raw_os_error(-errno)),
        _ => Ok(result),
    })
}

/// The operation must yield this.
fn expect(
    operation: u32,
    object: u32,
    id: u32,
    value: i64,
    expected: Result<i64, Errno>,
) -> Result<()> {
    check::equal(
        &format!("operation {operation} on {object}, {id:#x}, {value}"),
        operate(object, id, operation, value)?,
        expected,
    )
}

fn get(object: u32, id: u32, expected: Result<i64, Errno>) -> Result<()> {
    expect(0, object, id, 0, expected)
}

fn get_or_init(object: u32, id: u32, value: i64, expected: i64) -> Result<()> {
    expect(1, object, id, value, Ok(expected))
}

fn remove(object: u32, id: u32, expected: Result<i64, Errno>) -> Result<()> {
    expect(4, object, id, 0, expected)
}

fn remove_all(id: u32, expected: i64) -> Result<()> {
    expect(5, 0, id, 0, Ok(expected))
}

/// How many plain values the patch has built and dropped.
fn expect_counts(built: i64, dropped: i64) -> Result<()> {
    expect(6, 0, PLAIN, 0, Ok(built))?;
    expect(7, 0, PLAIN, 0, Ok(dropped))
}

fn load(patch: &str) -> Result<Patch> {
    module::load_all(&["molt", "target"])?;
    check::equal(
        "target_object() without a patch",
        operate(0, PLAIN, 0, 0)?,
        Err(Errno::NOSYS),
    )?;
    Patch::load(patch)
}

/// Three objects, two ids, in the order of mainline's `test-shadow-vars.sh`.
fn found_by_object_and_id(_: &Guest) -> Result<()> {
    let patch = load("patch_shadow")?;
    get(0, PLAIN, Err(Errno::NOENT))?;
    for object in 0..3 {
        get_or_init(
            object,
            PLAIN,
            10 + i64::from(object),
            10 + i64::from(object),
        )?;
        get_or_init(
            object,
            ALIGNED,
            20 + i64::from(object),
            20 + i64::from(object),
        )?;
    }
    for object in 0..3 {
        get(object, PLAIN, Ok(10 + i64::from(object)))?;
        get(object, ALIGNED, Ok(20 + i64::from(object)))?;
    }
    for object in 0..3 {
        get_or_init(object, PLAIN, 99, 10 + i64::from(object))?;
    }
    for object in 0..3 {
        remove(object, PLAIN, Ok(10 + i64::from(object)))?;
        get(object, PLAIN, Err(Errno::NOENT))?;
    }
    for object in 0..3 {
        get(object, ALIGNED, Ok(20 + i64::from(object)))?;
    }
    remove_all(ALIGNED, 3)?;
    for object in 0..3 {
        get(object, ALIGNED, Err(Errno::NOENT))?;
    }
    remove_all(ALIGNED, 0)?;
    patch.retire()
}

/// No second value is made while there is one.
fn first_value_stays(_: &Guest) -> Result<()> {
    let patch = load("patch_shadow")?;
    get_or_init(7, PLAIN, 1, 1)?;
    get_or_init(7, PLAIN, 2, 1)?;
    get(7, PLAIN, Ok(1))?;
    expect_counts(1, 0)?;
    remove(7, PLAIN, Ok(1))?;
    get_or_init(7, PLAIN, 2, 2)?;
    remove(7, PLAIN, Ok(2))?;
    expect_counts(2, 2)?;
    patch.retire()
}

/// An error of the function that makes the value is returned, and there is no value then.
fn failed_init_leaves_nothing(_: &Guest) -> Result<()> {
    let patch = load("patch_shadow")?;
    expect(3, 1, PLAIN, 0, Err(Errno::OVERFLOW))?;
    get(1, PLAIN, Err(Errno::NOENT))?;
    get_or_init(1, PLAIN, 5, 5)?;
    expect(3, 1, PLAIN, 0, Ok(5))?;
    remove(1, PLAIN, Ok(5))?;
    patch.retire()
}

/// Each object keeps its own.
fn many_objects(_: &Guest) -> Result<()> {
    const OBJECTS: u32 = 1000;
    let patch = load("patch_shadow")?;
    for object in 0..OBJECTS {
        get_or_init(object, PLAIN, i64::from(object), i64::from(object))?;
    }
    for object in 0..OBJECTS {
        get(object, PLAIN, Ok(i64::from(object)))?;
    }
    for object in (0..OBJECTS).step_by(2) {
        remove(object, PLAIN, Ok(i64::from(object)))?;
    }
    for object in 0..OBJECTS {
        let there = object % 2 == 1;
        let expected = there.then_some(i64::from(object)).ok_or(Errno::NOENT);
        get(object, PLAIN, expected)?;
    }
    remove_all(PLAIN, i64::from(OBJECTS / 2))?;
    for object in 0..OBJECTS {
        get(object, PLAIN, Err(Errno::NOENT))?;
    }
    expect_counts(OBJECTS.into(), OBJECTS.into())?;
    patch.retire()
}

/// A value is dropped when it is removed, not before and not again, and outside of any spin lock:
/// dropping it sleeps, and a splat would fail the test.
fn dropped_once(_: &Guest) -> Result<()> {
    let patch = load("patch_shadow")?;
    for object in 0..10 {
        get_or_init(object, PLAIN, 1, 1)?;
    }
    expect_counts(10, 0)?;
    remove(3, PLAIN, Ok(1))?;
    expect_counts(10, 1)?;
    remove(3, PLAIN, Err(Errno::NOENT))?;
    expect_counts(10, 1)?;
    remove_all(PLAIN, 9)?;
    expect_counts(10, 10)?;
    remove_all(PLAIN, 0)?;
    expect_counts(10, 10)?;
    patch.retire()
}

/// Several threads make a value for one object at the same time: all get the same, and the other
/// values are dropped.
fn one_value_for_all_who_come_at_once(guest: &Guest) -> Result<()> {
    const THREADS: i64 = 8;
    let patch = load("patch_shadow")?;
    let threads: Vec<_> = (0..THREADS)
        .map(|number| thread::spawn(move || operate(5, PLAIN, 2, 100 + number)))
        .collect();
    let mut results = Vec::new();
    for thread in threads {
        let result = thread.join().map_err(|_| anyhow!("a thread panicked"))?;
        results.push(result??);
    }
    ensure!(
        results.iter().all(|result| *result == results[0]),
        "several values: {results:?}"
    );
    get(5, PLAIN, Ok(results[0]))?;
    let built = operate(5, PLAIN, 6, 0)??;
    guest.note(format!("{built} values built by {THREADS} threads"));
    ensure!(built > 1, "the threads did not come at once");
    expect_counts(built, built - 1)?;
    remove(5, PLAIN, Ok(results[0]))?;
    expect_counts(built, built)?;
    patch.retire()
}

/// Values stay when their patch goes, and another patch finds them.
fn survives_to_the_successor(_: &Guest) -> Result<()> {
    let first = load("patch_shadow")?;
    for object in 0..4 {
        get_or_init(object, PLAIN, 40, 40)?;
    }
    let second = Patch::load("patch_shadow_next")?;
    expect_counts(0, 0)?;
    first.retire()?;
    for object in 0..4 {
        get(object, PLAIN, Ok(40))?;
    }
    get_or_init(0, PLAIN, 50, 40)?;
    remove(0, PLAIN, Ok(40))?;
    get_or_init(0, PLAIN, 50, 50)?;
    expect_counts(1, 1)?;
    second.retire()?;
    let third = Patch::load("patch_shadow")?;
    get(0, PLAIN, Ok(50))?;
    get(1, PLAIN, Ok(40))?;
    remove_all(PLAIN, 4)?;
    expect_counts(0, 4)?;
    third.retire()
}

/// `samples/shadow.rs`: each open file counts for itself, and its count goes when it is closed.
fn sample(_: &Guest) -> Result<()> {
    let read = |file: &File| -> Result<String> {
        let mut text = [0; 200];
        let length = file.read_at(&mut text, 0)?;
        Ok(String::from_utf8(text[..length].to_vec())?)
    };
    let count = |file: &File, times: u32| -> Result<()> {
        let expected = format!("read {times} times since it was opened\n");
        check::equal("/proc/version", read(file)?, expected)
    };
    module::load_all(&["molt"])?;
    let old = File::open("/proc/version")?;
    let original = read(&old)?;
    let patch = Patch::load("shadow")?;
    count(&old, 1)?;
    for times in 1..10 {
        let file = File::open("/proc/version")?;
        count(&file, 1)?;
        count(&old, times + 1)?;
        count(&file, 2)?;
    }
    let kept = File::open("/proc/version")?;
    count(&kept, 1)?;
    patch.disable()?;
    check::equal("/proc/version", read(&kept)?, original)?;
    // Closed by the kernel's own function, which knows of no count.
    drop((old, kept));
    patch.enable()?;
    let files = (0..10).map(|_| File::open("/proc/version"));
    let files: Vec<File> = files.collect::<Result<_, _>>()?;
    for file in &files {
        count(file, 1)?;
    }
    patch.retire()
}
