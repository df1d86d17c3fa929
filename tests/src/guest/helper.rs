// SPDX-License-Identifier: GPL-2.0
//! What scenarios let a process of its own do: `init COMMAND ARGUMENTS`.

use std::fs;
use std::io;
use std::process::{Child, Command, ExitCode, Stdio};

use super::{module, process, uring};
use crate::bench::guest::{crowd, pingpong};

/// Starts this program again as a process named `comm`.
pub fn spawn(comm: &str, arguments: &[&str]) -> io::Result<Child> {
    Command::new("/init")
        .arg(comm)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
}

/// Does what the arguments say; the exit code is the errno.
pub fn run(arguments: &[String]) -> ExitCode {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((comm, command)) = arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let outcome = fs::write("/proc/self/comm", comm).and_then(|()| match command {
        ["read", path] => fs::read_to_string(path).map(|text| print!("{text}")),
        ["write", path, value] => fs::write(path, value),
        ["insmod", name, parameters] => module::load_with(name, parameters),
        ["rmmod", name] => module::remove(name),
        ["rmmod-f", name] => module::remove_by_force(name),
        ["getpid"] => process::watch_getpid(),
        ["fork"] => process::fork(),
        ["uring", path] => uring::Read::start(path)
            .and_then(uring::Read::end_by_itself)
            .map(|text| print!("{text}"))
            .map_err(io::Error::other),
        ["pause"] => process::pause(),
        ["epoll"] => process::epoll(),
        ["nap", threads] => process::nap(threads),
        ["crowd", threads] => crowd::run(threads),
        ["pingpong"] => pingpong::run(),
        other => Err(io::Error::other(format!("helper: {other:?}?"))),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let errno = error
                .raw_os_error()
                .and_then(|errno| u8::try_from(errno).ok());
            ExitCode::from(errno.unwrap_or(u8::MAX))
        }
    }
}
