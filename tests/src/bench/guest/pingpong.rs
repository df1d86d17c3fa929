// SPDX-License-Identifier: GPL-2.0
//! 100 processes, in pairs: a byte goes to and fro between the two through pipes, without
//! a pause.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{ensure, Context, Result};
use rustix::process::{Pid, Signal};
use rustix::stdio::{stdin, stdout};

const PAIRS: usize = 50;

/// Processes that play until they are told to stop.
pub struct PingPong {
    players: Vec<Child>,
    switches: u64,
}

impl PingPong {
    /// Starts them, and waits until they play.
    pub fn start() -> Result<Self> {
        let mut players = Vec::new();
        for _ in 0..PAIRS {
            let (here, there) = (rustix::pipe::pipe()?, rustix::pipe::pipe()?);
            rustix::io::write(&here.1, &[0])?;
            players.push(player(here.0.into(), there.1.into())?);
            players.push(player(there.0.into(), here.1.into())?);
        }
        let pingpong = Self {
            players,
            switches: switches()?,
        };
        pingpong.expect_play()?;
        Ok(pingpong)
    }

    /// They stop where they are.
    pub fn pause(&self) -> Result<()> {
        self.send(Signal::STOP)
    }

    /// They go on; waits until they do.
    pub fn resume(&self) -> Result<()> {
        self.send(Signal::CONT)?;
        self.expect_play()
    }

    fn send(&self, signal: Signal) -> Result<()> {
        for player in &self.players {
            let pid = Pid::from_child(player);
            rustix::process::kill_process(pid, signal)?;
        }
        Ok(())
    }

    fn expect_play(&self) -> Result<()> {
        let before = switches()?;
        thread::sleep(Duration::from_millis(100));
        let switches = switches()?;
        ensure!(
            switches > before + 100,
            "{} context switches in 100 ms",
            switches - before
        );
        Ok(())
    }

    /// Ends them; how often tasks were switched since they began.
    pub fn stop(mut self) -> Result<u64> {
        let switches = switches()? - self.switches;
        for player in &mut self.players {
            let ended = player.try_wait()?;
            ensure!(ended.is_none(), "a player stopped: {ended:?}");
        }
        for player in &mut self.players {
            player.kill()?;
        }
        for player in &mut self.players {
            player.wait()?;
        }
        Ok(switches)
    }
}

fn player(input: Stdio, output: Stdio) -> io::Result<Child> {
    Command::new("/init")
        .args(["player", "pingpong"])
        .stdin(input)
        .stdout(output)
        .spawn()
}

/// Since the machine was started.
fn switches() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().find_map(|line| line.strip_prefix("ctxt "));
    Ok(line.context("no ctxt in /proc/stat")?.parse()?)
}

/// A player: gives back what it gets.
pub fn run() -> io::Result<()> {
    let mut byte = [0];
    while rustix::io::read(stdin(), &mut byte)? > 0 {
        rustix::io::write(stdout(), &byte)?;
    }
    Ok(())
}
