// SPDX-License-Identifier: GPL-2.0
//! The samples do what their documentation says.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Result};
use rustix::io::Errno;

use crate::guest::patch::Patch;
use crate::guest::snapshot::Snapshot;
use crate::guest::{check, helper, log, module, Guest};

scenarios! { sample:
    callbacks,
    force,
    object,
    pause,
    position,
    replace,
}

fn file(path: &str) -> Result<String> {
    Ok(fs::read_to_string(path)?)
}

/// Who sleeps in `pause()` is patched around, and follows when it is woken.
fn pause(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let before = Snapshot::take()?;
    let mut sleeper = helper::spawn("sleeper", &["pause"])?;
    let stat = format!("/proc/{}/stat", sleeper.id());
    check::eventually("it sleeps", || Ok(file(&stat)?.contains("(sleeper) S ")))?;
    let patch = Patch::load("pause")?;
    patch.expect_left(1)?;
    let said = format!("pause: process {} sleeps", sleeper.id());
    ensure!(
        !log::read()?.contains(&said),
        "the old pause() says who sleeps"
    );
    patch.set("poke", "1")?;
    patch.completes()?;
    check::eventually(&said, || Ok(log::read()?.contains(&said)))?;
    patch.disable()?;
    patch.expect_left(1)?;
    sleeper.kill()?;
    sleeper.wait()?;
    patch.completes()?;
    patch.remove()?;
    before.expect_same()
}

/// Counts from the moment it is enabled, tells when it is disabled.
fn callbacks(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let before = Snapshot::take()?;
    let patch = Patch::load("callbacks")?;
    for reads in 0..3 {
        let expected = format!("Linux, read {reads} times before\n");
        check::equal("/proc/version", file("/proc/version")?, expected)?;
    }
    patch.disable()?;
    check::contains(
        "log",
        &log::read()?,
        "vmlinux: /proc/version was read 3 times",
    )?;
    patch.enable()?;
    check::contains("/proc/version", &file("/proc/version")?, "read 0 times")?;
    patch.retire()?;
    before.expect_same()
}

/// Somebody sleeps in the function all the time; new calls run the new code, the module stays.
fn force(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let mut daemon = helper::spawn("klogd", &["read", "/proc/kmsg"])?;
    check::eventually("the daemon sleeps in kmsg_read", || {
        let stack = file(&format!("/proc/{}/stack", daemon.id()))?;
        Ok(stack.contains("kmsg_read"))
    })?;
    let patch = Patch::load("force")?;
    check::equal("forced", patch.attribute("forced")?.as_str(), "1")?;
    let force = patch.attribute("vmlinux/kmsg_read,1/force")?;
    check::equal("force", force.as_str(), "1")?;
    check::refused(
        "read /proc/kmsg",
        fs::read("/proc/kmsg").map(drop),
        Errno::PERM,
    )?;
    daemon.kill()?;
    daemon.wait()?;
    patch.disable()?;
    check::refused("rmmod", module::remove("force"), Errno::AGAIN)
}

/// The module comes after the patch, goes, and comes back.
fn object(_: &Guest) -> Result<()> {
    const SHOWN: &str = "/proc/net/pktgen/pgctrl";
    module::load_all(&["molt"])?;
    let patch = Patch::load("object")?;
    let state = || patch.attribute("pktgen/state");
    for _ in 0..2 {
        check::equal("state", state()?.as_str(), "pending")?;
        module::load_all(&["pktgen"])?;
        check::equal("state", state()?.as_str(), "patched")?;
        check::equal(SHOWN, file(SHOWN)?.as_str(), "Packet generator\n")?;
        module::remove_all(&["pktgen"])?;
    }
    module::load_all(&["pktgen"])?;
    patch.retire()?;
    check::contains(SHOWN, &file(SHOWN)?, "Version")
}

/// The second of two functions, and not the first.
fn position(_: &Guest) -> Result<()> {
    module::load_all(&["molt"])?;
    let before = file("/proc/self/mounts")?;
    ensure!(!before.is_empty(), "nothing is mounted");
    let patch = Patch::load("position")?;
    check::equal("/proc/self/mounts", file("/proc/self/mounts")?.as_str(), "")?;
    check::contains("/proc/modules", &file("/proc/modules")?, "position ")?;
    patch.retire()?;
    check::equal("/proc/self/mounts", file("/proc/self/mounts")?, before)
}

/// What was there before goes back to the kernel's own code, for good.
fn replace(_: &Guest) -> Result<()> {
    let (cmdline, uptime) = (file("/proc/cmdline")?, "0.00 0.00\n");
    module::load_all(&["molt"])?;
    let first = Patch::load("cmdline")?;
    let second = Patch::load("pair")?;
    check::equal("/proc/uptime", file("/proc/uptime")?.as_str(), uptime)?;
    let all = Patch::load("replace")?;
    check::contains("/proc/cmdline", &file("/proc/cmdline")?, "patched twice")?;
    thread::sleep(Duration::from_millis(10));
    ensure!(
        file("/proc/uptime")? != uptime,
        "/proc/uptime is still patched"
    );
    for old in [&first, &second] {
        check::equal("state", old.attribute("state")?.as_str(), "superseded")?;
        old.refuse("1", Errno::STALE, "superseded")?;
    }
    first.remove()?;
    second.remove()?;
    all.retire()?;
    check::equal("/proc/cmdline", file("/proc/cmdline")?, cmdline)
}
