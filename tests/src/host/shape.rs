// SPDX-License-Identifier: GPL-2.0
//! What a VM is made of, apart from what it boots.

use std::env;

/// `panic=-1` with `-no-reboot`: an oops ends the VM at once. `no_timer_check`: on a busy host the
/// kernel finds that no timer interrupts come in the time of ten, and panics. `watchdog_thresh`,
/// `rcu_cpu_stall_timeout`: a busy host was seen to leave a VM without a processor for more than 20
/// seconds, which it took for a soft lockup or a stall. It does so after 40. The rest is for speed:
/// printing less until the guest raises it, no self tests of ciphers, no certificates.
const KERNEL_PARAMETERS: &str = "console=ttyS0 oops=panic panic=-1 no_timer_check \
    watchdog_thresh=20 rcupdate.rcu_cpu_stall_timeout=40 \
    rdinit=/init loglevel=5 cryptomgr.notests=1 \
    initcall_blacklist=load_system_certificate_list";

/// A machine's processors, memory and clock.
#[derive(Debug, Clone)]
pub struct Shape {
    accelerator: String,
    icount: Option<&'static str>,
    processors: &'static str,
    memory: &'static str,
    parameters: &'static str,
}

impl Shape {
    /// Two processors, for whatever goes wrong with more than one.
    ///
    /// With several TCG threads, cross-modifying code was seen to go wrong.
    /// `tsc=unstable`: on a busy host the kernel measures a wrong frequency of the TSC,
    /// and then its seconds are not ours; it uses the HPET instead.
    pub fn of_tests() -> Self {
        Self {
            accelerator: env::var("MOLT_ACCEL").unwrap_or_else(|_| "tcg,thread=single".into()),
            icount: None,
            processors: "2",
            memory: "768",
            parameters: "tsc=unstable",
        }
    }

    /// A clock that counts the processors' instructions: a nanosecond each. Time in which
    /// it has nothing to do is skipped. Nothing that the host does changes a figure.
    ///
    /// The TSC is that clock, to the nanosecond, and it has nobody to be compared with.
    pub fn of_bench(processors: &'static str, memory: &'static str) -> Self {
        Self {
            accelerator: "tcg,thread=single".into(),
            icount: Some("shift=0,sleep=off"),
            processors,
            memory,
            parameters: "tsc=reliable tsc_early_khz=1000000",
        }
    }

    /// As QEMU's arguments.
    pub fn arguments(&self) -> Vec<String> {
        let parameters = format!("{KERNEL_PARAMETERS} {}", self.parameters);
        let mut arguments = vec![
            "-accel",
            &self.accelerator,
            "-smp",
            self.processors,
            "-cpu",
            "max",
            "-m",
            self.memory,
            "-append",
            &parameters,
        ];
        if let Some(icount) = self.icount {
            arguments.extend(["-icount", icount]);
        }
        arguments.into_iter().map(str::to_owned).collect()
    }
}
