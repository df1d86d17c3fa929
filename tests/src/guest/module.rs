// SPDX-License-Identifier: GPL-2.0
//! Loading and removing the modules of the image.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use rustix::io::Errno;

use super::{check, patch};

/// Loads `/modules/NAME.ko`.
pub fn load(name: &str) -> io::Result<()> {
    load_with(name, "")
}

/// Loads `/modules/NAME.ko` with parameters.
pub fn load_with(name: &str, parameters: &str) -> io::Result<()> {
    let path = format!("/modules/{name}.ko");
    let file = File::open(&path).map_err(|error| io::Error::other(format!("{path}: {error}")))?;
    rustix::system::finit_module(file, &CString::new(parameters)?, 0)?;
    match MODEL.get() {
        Some(model) if name.starts_with("molt") => patch::set_consistency(model),
        _ => Ok(()),
    }
}

/// How patches are to be changed whose authors do not say it.
static MODEL: OnceLock<&'static str> = OnceLock::new();

/// Has the core change patches in this model from when it is loaded on.
pub fn choose_model(model: &'static str) {
    MODEL.get_or_init(|| model);
}

const O_NONBLOCK: i32 = 0o4000;
const O_TRUNC: i32 = 0o1000;

/// Removes a module.
pub fn remove(name: &str) -> io::Result<()> {
    rustix::system::delete_module(&CString::new(name)?, O_NONBLOCK)?;
    Ok(())
}

/// Removes a module whoever uses it, as `rmmod -f` does.
pub fn remove_by_force(name: &str) -> io::Result<()> {
    rustix::system::delete_module(&CString::new(name)?, O_NONBLOCK | O_TRUNC)?;
    Ok(())
}

/// Whether it is loaded.
pub fn is_loaded(name: &str) -> io::Result<bool> {
    let loaded = fs::read_to_string("/proc/modules")?;
    Ok(loaded
        .lines()
        .any(|line| line.split(' ').next() == Some(name)))
}

/// Loads modules that must load.
pub fn load_all(names: &[&str]) -> Result<()> {
    for name in names {
        load(name).with_context(|| format!("insmod {name}"))?;
    }
    Ok(())
}

/// Removes modules that must go.
pub fn remove_all(names: &[&str]) -> Result<()> {
    for name in names {
        remove(name).with_context(|| format!("rmmod {name}"))?;
    }
    Ok(())
}

/// Tries to load a module that must be refused with this errno, and checks that
/// nothing of it stays.
pub fn refuse(name: &str, parameters: &str, errno: Errno) -> Result<()> {
    check::refused(
        &format!("insmod {name} {parameters}"),
        load_with(name, parameters),
        errno,
    )?;
    anyhow::ensure!(
        !is_loaded(name)?,
        "{name} was refused, and is in /proc/modules"
    );
    Ok(())
}

/// Makes `/modules/TO.ko` of `/modules/FROM.ko` by exchanging a name for one of the same length.
pub fn edit(from: &str, to: &str, old: &str, new: &str) -> Result<()> {
    anyhow::ensure!(old.len() == new.len(), "{old} and {new} differ in length");
    let mut bytes = fs::read(format!("/modules/{from}.ko"))?;
    let places: Vec<usize> = bytes
        .windows(old.len())
        .enumerate()
        .filter(|(_, window)| *window == old.as_bytes())
        .map(|(place, _)| place)
        .collect();
    anyhow::ensure!(!places.is_empty(), "{old} is not in {from}.ko");
    for place in places {
        bytes[place..place + new.len()].copy_from_slice(new.as_bytes());
    }
    fs::write(format!("/modules/{to}.ko"), bytes)?;
    Ok(())
}
