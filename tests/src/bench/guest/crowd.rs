// SPDX-License-Identifier: GPL-2.0
//! Threads that sleep: processes with many each, a quarter of them in a futex, in a read
//! of a pipe, in nanosleep and in epoll_wait.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::Child;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::event::epoll;
use rustix::thread::futex;

use crate::guest::{check, helper};

/// Threads of one process.
const EACH: u32 = 500;

/// Stacks are small, as there are many.
const STACK: usize = 16 << 10;

/// What a process says when all its threads exist.
const READY: &str = "ready";

/// Processes whose threads sleep. They stay until the machine is switched off.
#[derive(Default)]
pub struct Crowd {
    threads: u32,
    processes: Vec<Child>,
}

impl Crowd {
    /// Lets there be `threads` in all, and waits until they sleep.
    pub fn grow(&mut self, threads: u32) -> Result<()> {
        while self.threads < threads {
            let more = EACH.min(threads - self.threads);
            let mut child = helper::spawn("crowd", &["crowd", &more.to_string()])?;
            let mut line = String::new();
            BufReader::new(child.stdout.take().context("no pipe")?).read_line(&mut line)?;
            ensure!(line.trim() == READY, "a process of the crowd says {line:?}");
            self.processes.push(child);
            self.threads += more;
        }
        // Those who are not asleep yet get there.
        thread::sleep(Duration::from_secs(2));
        // A worker of the kernel's may run at this moment.
        check::eventually("all sleep but this", || Ok(load_average()?[0] == 1))?;
        let [_, all] = load_average()?;
        ensure!(all > threads, "there are {all} tasks, not {threads}");
        Ok(())
    }
}

/// How many tasks there are.
pub fn tasks() -> Result<u32> {
    load_average().map(|[_, all]| all)
}

/// Tasks that run, this one included, and all.
fn load_average() -> Result<[u32; 2]> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let pair = text.split(' ').nth(3).and_then(|pair| pair.split_once('/'));
    let (running, all) = pair.context("/proc/loadavg")?;
    Ok([running.parse()?, all.parse()?])
}

/// Makes room for this many threads.
pub fn raise_limits() -> Result<()> {
    for (file, value) in [
        ("kernel/threads-max", "100000"),
        ("kernel/pid_max", "200000"),
        ("vm/max_map_count", "200000"),
    ] {
        fs::write(format!("/proc/sys/{file}"), value).with_context(|| file.to_owned())?;
    }
    Ok(())
}

/// A process of the crowd: the calling thread is the first of `threads`.
pub fn run(threads: &str) -> io::Result<()> {
    let threads: u32 = threads.parse().map_err(io::Error::other)?;
    // Nobody ever writes to the one, adds something to the other, or wakes the third.
    let (pipe, _writer) = rustix::pipe::pipe()?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let word = AtomicU32::new(0);
    let sleep = |number: u32| -> io::Result<()> {
        match number % 4 {
            0 => futex::wait(&word, futex::Flags::PRIVATE, 0, None)?,
            1 => rustix::io::read(&pipe, &mut [0; 1]).map(drop)?,
            2 => thread::sleep(Duration::from_secs(1 << 30)),
            _ => {
                let mut events = [epoll::Event {
                    flags: epoll::EventFlags::empty(),
                    data: epoll::EventData::new_u64(0),
                }];
                epoll::wait(&epoll, &mut events, None).map(drop)?;
            }
        }
        Err(io::Error::other("a sleeper woke"))
    };
    thread::scope(|scope| {
        for number in 1..threads {
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, move || sleep(number))?;
        }
        println!("{READY}");
        io::stdout().flush()?;
        sleep(0)
    })
}
