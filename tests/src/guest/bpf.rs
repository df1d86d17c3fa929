// SPDX-License-Identifier: GPL-2.0
//! A BPF program that runs before or after each call of a kernel function (fentry,
//! fexit) and does nothing; the kernel counts how often it ran.
//!
//! It is loaded with plain system calls: two instructions need no library.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};

use anyhow::{ensure, Context, Result};
use rustix::io::Errno;

/// The program, attached until it is dropped.
pub struct Program {
    program: File,
    _link: File,
}

/// `return 0`.
const INSTRUCTIONS: [u64; 2] = [0xb7, 0x95];

const LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;
const RAW_TRACEPOINT_OPEN: libc::c_long = 17;
const TYPE_TRACING: u32 = 26;
const ATTACH_FENTRY: u32 = 24;
const ATTACH_FEXIT: u32 = 25;
const ATTACH_MODIFY_RETURN: u32 = 26;
const ATTACH_FEXIT_MULTI: u32 = 60;

/// The part of `union bpf_attr` that loading such a program needs.
#[repr(C)]
#[derive(Default)]
struct LoadAttributes {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
    btf: u32,
    function_info_size: u32,
    function_info: u64,
    function_info_count: u32,
    line_info_size: u32,
    line_info: u64,
    line_info_count: u32,
    attach_btf_id: u32,
    attach_btf: u32,
    cores: u32,
}

#[repr(C)]
#[derive(Default)]
struct AttachAttributes {
    name: u64,
    program: u32,
    padding: u32,
}

/// The part that a link to several functions needs.
#[repr(C)]
#[derive(Default)]
struct LinkAttributes {
    program: u32,
    target: u32,
    kind: u32,
    flags: u32,
    ids: u64,
    cookies: u64,
    count: u32,
    padding: u32,
}

impl Program {
    /// A program that runs when a function of the kernel is called.
    pub fn before(function: &str) -> Result<Self> {
        Self::attach(ATTACH_FENTRY, function, &INSTRUCTIONS)
    }

    /// A program that runs when a function of the kernel returns.
    pub fn after(function: &str) -> Result<Self> {
        Self::attach(ATTACH_FEXIT, function, &INSTRUCTIONS)
    }

    /// A program that answers in the place of a function of the kernel, by this error.
    pub fn instead(function: &str, errno: Errno) -> Result<Self> {
        // A move of a constant has it in its upper half.
        let answer = u64::from(errno.raw_os_error().wrapping_neg() as u32);
        let instructions = [INSTRUCTIONS[0] | (answer << 32), INSTRUCTIONS[1]];
        Self::attach(ATTACH_MODIFY_RETURN, function, &instructions)
    }

    /// A program that runs when any of these functions returns, by one link.
    pub fn after_each(functions: &[&str]) -> Result<Self> {
        let program = Self::program(ATTACH_FEXIT_MULTI, 0, &INSTRUCTIONS)?;
        let ids = functions
            .iter()
            .map(|one| btf_id(one))
            .collect::<Result<Vec<_>>>()?;
        let attributes = LinkAttributes {
            program: program.as_raw_fd() as u32,
            kind: ATTACH_FEXIT_MULTI,
            ids: ids.as_ptr() as u64,
            count: ids.len() as u32,
            ..LinkAttributes::default()
        };
        let link = system_call(LINK_CREATE, &attributes).context("BPF_LINK_CREATE")?;
        Ok(Self {
            program,
            _link: link,
        })
    }

    /// So many programs that run when a function of the kernel is called, and one for its return.
    pub fn around(function: &str, before: usize) -> Result<Vec<Self>> {
        let mut programs = vec![Self::after(function)?];
        for _ in 0..before {
            programs.push(Self::before(function)?);
        }
        Ok(programs)
    }

    fn program(kind: u32, function: u32, instructions: &[u64]) -> Result<File> {
        fs::write("/proc/sys/kernel/bpf_stats_enabled", "1")?;
        let attributes = LoadAttributes {
            program_type: TYPE_TRACING,
            instruction_count: instructions.len() as u32,
            instructions: instructions.as_ptr() as u64,
            license: c"GPL".as_ptr() as u64,
            attach_type: kind,
            attach_btf_id: function,
            ..LoadAttributes::default()
        };
        system_call(LOAD, &attributes).context("BPF_PROG_LOAD")
    }

    fn attach(kind: u32, function: &str, instructions: &[u64]) -> Result<Self> {
        let program = Self::program(kind, btf_id(function)?, instructions)?;
        let attributes = AttachAttributes {
            program: program.as_raw_fd() as u32,
            ..AttachAttributes::default()
        };
        let link = system_call(RAW_TRACEPOINT_OPEN, &attributes)
            .with_context(|| format!("attaching to {function}"))?;
        Ok(Self {
            program,
            _link: link,
        })
    }

    /// How often it ran.
    pub fn runs(&self) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", self.program.as_raw_fd()))?;
        let count = text.lines().find_map(|line| line.strip_prefix("run_cnt:"));
        Ok(count.context("no run_cnt in fdinfo")?.trim().parse()?)
    }
}

fn system_call<T>(command: libc::c_long, attributes: &T) -> io::Result<File> {
    // SAFETY: `attributes` is a plain structure of the stated size, laid out as the
    // kernel wants it for this command; what it points to is alive.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    match i32::try_from(result) {
        // SAFETY: A new file descriptor, which nobody else owns.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { File::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The number of a function in the kernel's BTF.
fn btf_id(function: &str) -> Result<u32> {
    const KIND_FUNCTION: u32 = 12;
    let btf = fs::read("/sys/kernel/btf/vmlinux")?;
    let word = |at: usize| -> Result<u32> {
        let bytes = btf.get(at..at + 4).context("BTF is cut off")?;
        Ok(u32::from_le_bytes(bytes.try_into()?))
    };
    let header = word(4)? as usize;
    let (mut at, types_size) = (header + word(8)? as usize, word(12)? as usize);
    let (end, strings) = (at + types_size, header + word(16)? as usize);
    let mut id = 1;
    while at < end {
        let (name, info) = (strings + word(at)? as usize, word(at + 4)?);
        let (kind, length) = ((info >> 24) & 0x1f, (info & 0xffff) as usize);
        let matches = btf
            .get(name..)
            .and_then(|rest| rest.strip_prefix(function.as_bytes()))
            .is_some_and(|rest| rest.first() == Some(&0));
        if kind == KIND_FUNCTION && matches {
            return Ok(id);
        }
        // How much follows the three words that all kinds have (include/uapi/linux/btf.h).
        at += 12
            + match kind {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => length * 12,
                6 | 13 => length * 8,
                _ => 0,
            };
        id += 1;
    }
    ensure!(at == end, "BTF has a kind of type that is not known here");
    anyhow::bail!("BTF has no function {function}")
}
