// SPDX-License-Identifier: GPL-2.0

//! Functions molt never patches.

use crate::edge::arch::names;
use kernel::str::CStr;

/// Frames of every stopper thread, which cannot be unwound while they run (`kernel/stop_machine.c`,
/// `kernel/smpboot.c`, `kernel/kthread.c`), and what `multi_cpu_stop` calls on the CPUs that wait.
const STOPPER: &[&CStr] = &[
    c"multi_cpu_stop",
    c"cpu_stopper_thread",
    c"smpboot_thread_fn",
    c"kthread",
    c"ret_from_fork",
    c"stop_machine_yield",
    c"rcu_momentary_eqs",
    c"touch_nmi_watchdog",
    c"ack_state",
];

/// The loop of the idle tasks (`kernel/sched/idle.c`) and what is below it; the rest is in
/// [`names::IDLE`].
const IDLE: &[&CStr] = &[
    c"do_idle",
    c"cpu_startup_entry",
    c"schedule_idle",
    c"cpuidle_idle_call",
    c"cpu_idle_poll",
    c"rest_init",
    c"cpuidle_play_dead",
    c"acpi_idle_play_dead",
];

/// Where molt's worker is whenever the machine stands still (`kernel/workqueue.c`,
/// `kernel/stop_machine.c`).
const WORKER: &[&CStr] = &[
    c"worker_thread",
    c"process_one_work",
    c"process_scheduled_works",
    c"stop_machine",
    c"stop_machine_cpuslocked",
    c"stop_cpus",
    c"__stop_cpus",
];

/// Where every task is that does not run (`kernel/sched/core.c`).
const SLEEPER: &[&CStr] = &[c"schedule", c"__schedule"];

/// What the verdict on a stack rests on, below the unwinder itself ([`names::UNWINDER`]).
const JUDGE: &[&CStr] = &[
    c"is_bpf_text_address",
    c"bpf_has_frame_pointer",
    c"bpf_address_lookup",
    c"module_address_lookup",
    c"__module_address",
    c"kallsyms_lookup_size_offset",
    c"copy_from_kernel_nofault",
    c"copy_from_kernel_nofault_allowed",
    c"put_task_stack",
    c"idle_task",
];

const ON_IDLE: &str = "always on the stack of the idle tasks";
const BASE_OF_VERDICTS: &str = "molt's look at the stacks rests on it";

const REASONS: &[(&[&CStr], &str)] = &[
    (
        STOPPER,
        "always on the stack of the threads that stop the machine",
    ),
    (IDLE, ON_IDLE),
    (names::IDLE, ON_IDLE),
    (WORKER, "always on the stack of molt's worker"),
    (SLEEPER, "always on the stack of every task that sleeps"),
    (JUDGE, BASE_OF_VERDICTS),
    (names::UNWINDER, BASE_OF_VERDICTS),
];

/// Why `name` of `module` (`None`: the image) is refused, if it is.
pub(crate) fn reason(module: Option<&CStr>, name: &CStr) -> Option<&'static str> {
    match module {
        Some(module) if module == c"molt" => Some("molt does not patch itself"),
        Some(_) => None,
        None => REASONS
            .iter()
            .find(|(names, _)| names.contains(&name))
            .map(|(_, why)| *why),
    }
}
