// SPDX-License-Identifier: GPL-2.0
//! How each section of the results was measured, in a few words; `docs/bench.md` has more.

use serde_json::{json, Value};

/// What the results say about themselves.
pub fn sections() -> Value {
    json!({
        "clock": "QEMU TCG, one CPU, -icount shift=0,sleep=off: one nanosecond of the guest's \
            clock is one instruction, checked with a loop of known length; idle time is skipped. \
            There are no caches. Figures are medians; `rounds` has every value.",
        "stop_window": "ktime_get_mono_fast_ns at the beginning and the end of the stop_machine \
            callback: molt_ns is its stop_ns after insmod, molt_undo_ns after switching off; \
            full_walk_ns saves every stack in the window and compares each address with each \
            function, as kpatch did; empty_ns does nothing, and empty_call_ns is the whole call of \
            stop_machine with it. `threads` sleep, a quarter each in futex, pipe read, nanosleep \
            and epoll_wait.",
        "stop_window_of_two_cpus": "the same in a guest with two CPUs and one thread of the host \
            for both, whose instructions are added up: while molt looks at tasks on one, others run \
            on the other and have to be verified. The CPU that is held adds less than 1 percent.",
        "call": "instructions of one turn of a loop that calls bench_f000 100,000 times with \
            interrupts off, the loop included; what the calls returned is summed up and shows which \
            function ran. `molt_transition`, `livepatch_transition`: while a task sleeps in another \
            function of the patch, and is left behind.",
        "apply_ms": "milliseconds from before insmod until all functions are replaced, and from \
            writing 0 to enabled until none is: molt when the call returns, livepatch when \
            `transition` reads 0, and so does molt `per_task`. Under load with one function only for livepatch.",
        "redirect_ms": "milliseconds from writing to `redirect` until the write returned, for each \
            number of functions.",
        "memory_kib": "`module` is /sys/module/NAME/coresize; `pages` by how much fewer pages are \
            free, in which code is not contained, as it comes from a pool of executable memory.",
    })
}
