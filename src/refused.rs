// SPDX-License-Identifier: GPL-2.0

//! Functions molt never patches: those that are executing while the window is open, where no stack
//! check can see them.

use kernel::str::CStr;

/// Frames of every stopper thread, which cannot be unwound while they run
/// (`kernel/stop_machine.c`, `kernel/smpboot.c`, `kernel/kthread.c`), and what `multi_cpu_stop`
/// calls in its loop on the CPUs that wait.
const STOPPER: [&CStr; 9] = [
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

/// The loop of the idle tasks (`kernel/sched/idle.c`): always on the stack of some CPU's.
const IDLE: [&CStr; 6] = [
    c"do_idle",
    c"cpu_startup_entry",
    c"schedule_idle",
    c"cpu_idle_poll",
    c"cpuidle_idle_call",
    c"start_secondary",
];

/// Why `name` of `module` (`None`: the image) is refused, if it is.
pub(crate) fn reason(module: Option<&CStr>, name: &CStr) -> Option<&'static str> {
    if module == Some(c"molt") {
        Some("molt does not patch itself")
    } else if module.is_some() {
        None
    } else if STOPPER.contains(&name) {
        Some("always on the stack of the threads that stop the machine")
    } else if IDLE.contains(&name) {
        Some("always on the stack of the idle tasks")
    } else {
        None
    }
}
