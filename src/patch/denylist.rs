// SPDX-License-Identifier: GPL-2.0

//! Functions molt never patches.

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

/// The loop of the idle tasks (`kernel/sched/idle.c`) and what is below it; and where those of CPUs
/// that are off stay (`arch/x86/kernel/smpboot.c`, `drivers/idle`), which nobody can look at.
const IDLE: &[&CStr] = &[
    c"do_idle",
    c"cpu_startup_entry",
    c"schedule_idle",
    c"cpuidle_idle_call",
    c"cpu_idle_poll",
    c"rest_init",
    c"start_secondary",
    c"arch_cpu_idle_dead",
    c"play_dead",
    c"native_play_dead",
    c"play_dead_common",
    c"hlt_play_dead",
    c"mwait_play_dead",
    c"mwait_play_dead_cpuid_hint",
    c"cpuidle_play_dead",
    c"acpi_idle_play_dead",
    c"acpi_processor_ffh_play_dead",
    c"intel_idle_enter_dead",
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

/// What the verdict on a stack rests on (`arch/x86/kernel/unwind_orc.c` and what it calls): with a
/// wrong replacement of one of these the next change would be made on a false proof.
const JUDGE: &[&CStr] = &[
    c"__unwind_start",
    c"unwind_next_frame",
    c"get_stack_info",
    c"stack_access_ok",
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

const REASONS: &[(&[&CStr], &str)] = &[
    (
        STOPPER,
        "always on the stack of the threads that stop the machine",
    ),
    (IDLE, "always on the stack of the idle tasks"),
    (WORKER, "always on the stack of molt's worker"),
    (SLEEPER, "always on the stack of every task that sleeps"),
    (JUDGE, "molt's look at the stacks rests on it"),
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
