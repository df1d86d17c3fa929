// SPDX-License-Identifier: GPL-2.0
//! Faults that are known and not mended yet: each scenario says what should be, and fails. Its
//! mark goes when the fault does.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{bail, ensure, Context, Result};
use rustix::io::Errno;
use rustix::mount::{mount, MountFlags};

use crate::guest::bpf::Program;
use crate::guest::patch::{self, Patch};
use crate::guest::sleeper::Sleeper;
use crate::guest::{check, helper, module, target, Guest};

scenarios! { found:
    base_of_the_verdict
        .known_to_fail("what a walk rests on can be patched", "found_orc was enabled"),
    many_that_nap.seconds(120)
        .known_to_fail_at_times("the record of who ran overflows", "verified everybody"),
    killed_in_the_queue
        .known_to_fail("a killed requester waits for others' changes", "still there"),
    dead_tasks_go.seconds(120)
        .known_to_fail_at_times("dead tasks are kept until the next change", "are kept"),
    transition_adds_no_load
        .known_to_fail("a transition's worker sleeps uninterruptibly", "in state D"),
    addresses_without_capabilities
        .known_to_fail("addresses are shown to uid 0 without capabilities", "was shown"),
    several_functions_of_one_program
        .known_to_fail("fexit.multi does not get a patched function", "BPF_LINK_CREATE"),
    suppressed_by_a_kprobe
        .known_to_fail("a kprobe sends calls past the replacement", "reads as enabled"),
    suppressed_by_fmod_ret
        .known_to_fail("a BPF program skips the replacement", "reads as enabled"),
    caller_that_knows_the_result
        .known_to_fail("gcc knew what the old function returns", "rmdir: Ok"),
    caller_of_a_part
        .known_to_fail("gcc split the function, callers go past its entry", "statfs: Ok"),
    object_that_is_built_in
        .known_to_fail("an object that is built in is waited for", "found_builtin was enabled"),
}

/// `__orc_find` looks up every frame of every walk. With this replacement of it each stack ends at
/// its first frame, and nobody is inside anything any more.
fn base_of_the_verdict(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let sleeper = Sleeper::enter("nap")?;
    if module::load("found_orc").is_ok() {
        let blind = module::load_with("patch_nap", "deadline_ms=500").is_ok();
        bail!("found_orc was enabled; then a sleeper was seen: {}", !blind);
    }
    patch::check_cause(&patch::last_error(), "refused")?;
    target::wake()?;
    sleeper.leave().map(drop)
}

/// Threads that sleep for a quarter of a second again and again, more than a queue has room for.
fn many_that_nap(guest: &Guest) -> Result<()> {
    const THREADS: u64 = 3000;
    fs::write("/proc/sys/kernel/threads-max", "20000")?;
    module::load_all(&["molt", "target"])?;
    for _ in 0..THREADS {
        thread::Builder::new().stack_size(16 << 10).spawn(|| loop {
            thread::sleep(Duration::from_millis(250));
        })?;
    }
    thread::sleep(Duration::from_secs(2));
    let mut overflows = 0;
    let patch = Patch::load_with("patch_value", "deadline_ms=20000")?;
    for value in ["0", "1", "0"] {
        patch.write(value)?;
        overflows += patch.number("overflows")?;
        guest.note(format!("attempts {}", patch.attribute("attempts")?));
    }
    ensure!(overflows == 0, "{overflows} windows verified everybody");
    patch.remove()
}

/// A writer that is killed while another's change is blocked before its own.
fn killed_in_the_queue(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let value = Patch::load("patch_value")?;
    let nap = Patch::load_with("patch_nap", "deadline_ms=8000")?;
    let sleeper = Sleeper::enter("nap")?;
    let write = |patch: &Patch| {
        let path = patch.folder().join("enabled").display().to_string();
        helper::spawn("writer", &["write", &path, "0"])
    };
    let mut first = write(&nap)?;
    thread::sleep(Duration::from_millis(500));
    let mut second = write(&value)?;
    thread::sleep(Duration::from_millis(500));
    second.kill()?;
    thread::sleep(Duration::from_secs(2));
    let is_there = second.try_wait()?.is_none();
    target::wake()?;
    first.wait()?;
    second.wait()?;
    ensure!(!is_there, "2 s after SIGKILL it was still there");
    sleeper.leave()?;
    nap.remove()?;
    value.retire()
}

/// How many objects of the slab cache for tasks are in use.
fn task_structs() -> Result<u64> {
    let info = fs::read_to_string("/proc/slabinfo")?;
    let mut lines = info.lines();
    let line = lines.find(|line| line.starts_with("task_struct "));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.context("no task_struct in slabinfo")?.parse()?)
}

/// Threads that are all in their exit at the same time: `exit_mm` waits for a lock that a fork
/// holds for as long as it copies page tables. That takes no privileges.
fn dead_tasks_go(guest: &Guest) -> Result<()> {
    const THREADS: usize = 700;
    const MEMORY: usize = 300 << 20;
    module::load_all(&["molt", "target"])?;
    let before = task_structs()?;
    let mut memory = vec![0u8; MEMORY];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    let go = Arc::new(AtomicBool::new(false));
    for _ in 0..THREADS {
        let go = go.clone();
        thread::Builder::new().stack_size(16 << 10).spawn(move || {
            while !go.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
            }
            // SAFETY: ends this thread, which owns nothing, without a look at its stack.
            unsafe { libc::syscall(libc::SYS_exit, 0) };
        })?;
    }
    thread::sleep(Duration::from_millis(500));
    go.store(true, Ordering::Relaxed);
    for _ in 0..12 {
        // SAFETY: the child ends at once.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as said.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: it is our child.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    drop(memory);
    // A grace period, and more.
    thread::sleep(Duration::from_secs(5));
    let after = task_structs()?;
    guest.note(format!("{before} tasks before, {after} after"));
    ensure!(
        after < before + 100,
        "{} dead tasks are kept",
        after - before
    );
    Ok(())
}

/// The state of a kernel thread is what counts for the load average.
fn transition_adds_no_load(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    patch::set_consistency("per_task")?;
    let sleeper = Sleeper::enter("nap")?;
    let patch = Patch::load("patch_nap")?;
    let states = || -> Result<Vec<String>> {
        let mut states = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let stat = fs::read_to_string(entry?.path().join("stat")).unwrap_or_default();
            let ours = stat.contains("molt") || stat.contains("(kworker");
            if ours
                && stat
                    .split(") ")
                    .nth(1)
                    .is_some_and(|rest| rest.starts_with('D'))
            {
                states.push(stat.split(' ').take(3).collect::<Vec<_>>().join(" "));
            }
        }
        Ok(states)
    };
    let mut seen = 0;
    for _ in 0..100 {
        seen += usize::from(!states()?.is_empty());
        thread::sleep(Duration::from_millis(10));
    }
    ensure!(seen < 20, "in {seen} of 100 looks a worker was in state D");
    target::wake()?;
    sleeper.leave()?;
    patch.completes()?;
    patch.retire()
}

/// uid 0 without any capability, as in a container without a namespace of users.
fn addresses_without_capabilities(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let patch = Patch::load("patch_cmdline")?;
    let file = patch.folder().join("vmlinux/cmdline_proc_show,1/old_addr");
    fs::write("/proc/sys/kernel/kptr_restrict", "1")?;
    let read = thread::spawn(move || -> Result<String> {
        let (header, data): ([u32; 2], _) = ([0x2008_0522, 0], [0u32; 6]);
        // SAFETY: valid structures; it concerns this thread only.
        let set = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) };
        ensure!(set == 0, "capset: {}", io::Error::last_os_error());
        Ok(fs::read_to_string(&file).map_or(String::new(), |text| text.trim().to_owned()))
    });
    let shown = read.join().expect("no panic")?;
    let digits = shown.trim_start_matches("0x");
    ensure!(
        digits.chars().all(|digit| digit == '0'),
        "{shown} was shown"
    );
    patch.retire()
}

/// A program at the return of several functions, by a link of the kind that Linux 7.3 has.
fn several_functions_of_one_program(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    let both = ["cmdline_proc_show", "version_proc_show"];
    drop(Program::after_each(&both).context("without a patch")?);
    let patch = Patch::load("patch_cmdline")?;
    let program = Program::after_each(&both)?;
    fs::read_to_string("/proc/cmdline")?;
    ensure!(program.runs()? > 0, "it did not run");
    drop(program);
    patch.retire()
}

/// What reads as enabled is in effect.
fn expect_in_effect(patch: &Patch) -> Result<()> {
    let says = patch.attribute("state")?;
    let error = patch.attribute("last_error")?;
    let value = fs::read_to_string("/proc/target/value")?;
    let in_effect = value.trim().ends_with('2');
    ensure!(
        in_effect || says != "enabled" || error != "none",
        "it reads as enabled, and a call returns {}",
        value.trim()
    );
    Ok(())
}

/// A kprobe that was there first, and sends calls elsewhere.
fn suppressed_by_a_kprobe(_: &Guest) -> Result<()> {
    module::load_all(&["molt", "target"])?;
    module::load_with("probe_owner", "symbol=target_value to=target_inner")?;
    let patch = Patch::load("patch_value")?;
    let result = expect_in_effect(&patch);
    module::remove_all(&["probe_owner"])?;
    result?;
    patch.retire()
}

/// A BPF program that answers in the place of a function.
fn suppressed_by_fmod_ret(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let patch = Patch::load("found_security")?;
    let make = || fs::create_dir("/tmp/found");
    check::refused("mkdir", make(), Errno::PERM)?;
    let program = Program::instead("security_inode_mkdir", Errno::BUSY)?;
    let says = patch.attribute("state")?;
    let answer = make();
    drop(program);
    ensure!(
        says != "enabled"
            || answer
                .as_ref()
                .is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied),
        "it reads as enabled, and a program answers in its place: {answer:?}"
    );
    patch.retire()
}

fn tmpfs() -> Result<()> {
    fs::create_dir_all("/tmp/found")?;
    mount("none", "/tmp/found", "tmpfs", MountFlags::empty(), None)?;
    Ok(())
}

/// `shmem_rmdir` ends with `return shmem_unlink(…)`; gcc knew that this always returns 0.
fn caller_that_knows_the_result(_: &Guest) -> Result<()> {
    tmpfs()?;
    fs::create_dir("/tmp/found/folder")?;
    module::load_all(&["molt"])?;
    let patch = Patch::load("found_unlink")?;
    fs::write("/tmp/found/file", "")?;
    check::refused("unlink", fs::remove_file("/tmp/found/file"), Errno::PERM)?;
    let outcome = fs::remove_dir("/tmp/found/folder");
    ensure!(outcome.is_err(), "rmdir: {outcome:?}");
    patch.retire()
}

/// `user_statfs` calls `vfs_statfs.part.0`.
fn caller_of_a_part(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let patch = Patch::load("found_parts")?;
    let outcome = rustix::fs::statfs("/");
    ensure!(outcome.is_err(), "statfs: Ok, it goes past the entry");
    patch.retire()
}

/// `virtio` is a part of the image; no module of that name can ever come.
fn object_that_is_built_in(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let loaded = module::load("found_builtin");
    ensure!(loaded.is_err(), "found_builtin was enabled");
    patch::check_cause(&patch::last_error(), "not_found")
}
