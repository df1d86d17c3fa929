// SPDX-License-Identifier: GPL-2.0

//! Every task of the machine: the task list, and the idle tasks, which are not on it.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h)

use crate::edge::{
    bindings,
    kernel::stop::Stopped, //
};
use core::{
    marker::PhantomData,
    ops::ControlFlow,
    ptr::{
        self,
        addr_of_mut, //
    },
    sync::atomic::{
        fence,
        AtomicI32,
        Ordering, //
    }, //
};
use kernel::{
    container_of,
    ffi,
    sync::rcu, //
};

/// A task that is alive at least as memory for `'a`.
///
/// # Invariants
///
/// The pointer is valid: the task was found while an RCU read section or a stop window, either of
/// which lasts for `'a`, keeps `struct task_struct` from being freed, or a reference does.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a>(*mut bindings::task_struct, PhantomData<&'a ()>);

/// Keeps the stack of a task from being freed.
///
/// # Invariants
///
/// Holds one count of the task's `stack_refcount`.
pub(crate) struct PinnedStack<'a>(Task<'a>);

impl Drop for PinnedStack<'_> {
    fn drop(&mut self) {
        // SAFETY: by the type invariant one count is ours. In a stop window it cannot be the last
        // one, because nobody else can drop the count that was there before.
        unsafe { bindings::private::put_task_stack(self.0.as_ptr()) }
    }
}

impl<'a> Task<'a> {
    /// # Safety
    ///
    /// `task` must stay valid memory for `'a`.
    pub(in crate::edge) unsafe fn from_raw(task: *mut bindings::task_struct) -> Self {
        // INVARIANT: promised by the caller.
        Self(task, PhantomData)
    }

    pub(in crate::edge) fn as_ptr(self) -> *mut bindings::task_struct {
        self.0
    }

    /// Takes a count on the stack; `None` when it is gone (a zombie). Any context.
    pub(crate) fn pin_stack(self) -> Option<PinnedStack<'a>> {
        // SAFETY: the task is valid; `stack_refcount` is an `atomic_t` inside, only ever accessed
        // atomically.
        let count =
            unsafe { AtomicI32::from_ptr(addr_of_mut!((*self.0).stack_refcount.refs.counter)) };
        count
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |count| {
                if count > 0 {
                    count.checked_add(1)
                } else {
                    None
                }
            })
            .ok()
            // INVARIANT: the count was raised just now, from a value that was not 0.
            .map(|_| PinnedStack(self))
    }

    /// Whether a CPU executes it now. In a stop window these are exactly the stopper threads (and
    /// the idle tasks of CPUs that are offline).
    ///
    /// When it says no, what the task had on its stack when it was switched out can be read:
    /// acquire, partner of the release in the kernel's `finish_task`.
    pub(crate) fn on_cpu(self) -> bool {
        // SAFETY: valid; a single byte that the scheduler writes at a switch.
        let on = unsafe { core::ptr::read_volatile(&raw const (*self.0).on_cpu) != 0 };
        fence(Ordering::Acquire);
        on
    }

    /// Whether a kretprobe has replaced a return address on the task's stack.
    pub(crate) fn is_kretprobed(self) -> bool {
        // SAFETY: valid; a word that only the task itself changes.
        unsafe { !core::ptr::read_volatile(&raw const (*self.0).rethooks.first).is_null() }
    }

    /// Whether it is runnable: running, or preempted.
    pub(crate) fn is_runnable(self) -> bool {
        // SAFETY: valid; a word that may change at any time outside a stop window.
        unsafe { core::ptr::read_volatile(&raw const (*self.0).__state) == bindings::TASK_RUNNING }
    }

    /// Calls `function` while the task is switched out and cannot be switched in. False, without
    /// calling it, when the task is on a CPU. Process context.
    ///
    /// `function` runs with interrupts off and the scheduler's locks of this task held: it must
    /// neither sleep nor wake anybody nor drop a reference.
    pub(crate) fn hold_still<F: FnOnce()>(self, function: F) -> bool {
        /// # Safety
        ///
        /// `data` must be an `Option<F>` that nobody else uses during the call.
        unsafe extern "C" fn call<F: FnOnce()>(
            task: *mut bindings::task_struct,
            data: *mut ffi::c_void,
        ) -> ffi::c_int {
            // SAFETY: the task is the one below.
            if unsafe { Task::from_raw(task) }.on_cpu() {
                return 1;
            }
            // SAFETY: by the requirement.
            if let Some(function) = unsafe { (*data.cast::<Option<F>>()).take() } {
                function();
            }
            0
        }

        // Not the last count of its stack is dropped under those locks.
        let stack = self.pin_stack();
        let mut function = Some(function);
        // SAFETY: the task is valid; `call` takes this `function`, which outlives the call.
        let busy = unsafe {
            bindings::private::task_call_func(self.0, Some(call::<F>), (&raw mut function).cast())
        };
        drop(stack);
        busy == 0
    }

    /// Whether it never runs in user mode: a kernel thread, or a worker that a process has in the
    /// kernel (io_uring, vhost).
    pub(crate) fn is_kernel_only(self) -> bool {
        // SAFETY: valid; a plain word.
        let flags = unsafe { core::ptr::read_volatile(&raw const (*self.0).flags) };
        flags & (bindings::PF_KTHREAD | bindings::PF_USER_WORKER) != 0
    }

    /// Wakes it if its sleep may be interrupted. It finds that nothing has happened, and sleeps
    /// again. Process context.
    pub(crate) fn wake(self) {
        // SAFETY: valid.
        unsafe { bindings::private::wake_up_state(self.0, bindings::TASK_INTERRUPTIBLE) };
    }

    /// When it was made, in nanoseconds of the monotonic clock.
    pub(crate) fn start(self) -> u64 {
        // SAFETY: valid; constant after fork.
        unsafe { (*self.0).start_time }
    }

    /// What tells it from all other tasks that are alive.
    pub(crate) fn id(self) -> usize {
        self.0 as usize
    }

    /// Process id in the initial namespace; 0 for an idle task.
    pub(crate) fn pid(self) -> i32 {
        // SAFETY: valid; constant after fork.
        unsafe { (*self.0).pid }
    }

    /// The command's name, padded with zeroes. A rename at the same time may give a mixture.
    pub(crate) fn comm(self) -> [u8; 16] {
        // SAFETY: valid; every mixture of bytes is a value of the type.
        unsafe { core::ptr::read_volatile((&raw const (*self.0).comm).cast()) }
    }

    /// Whether the task has begun to exit.
    pub(crate) fn is_exiting(self) -> bool {
        // SAFETY: valid; a plain word that only the task itself changes.
        unsafe { core::ptr::read_volatile(&raw const (*self.0).flags) & bindings::PF_EXITING != 0 }
    }

    /// Whether it has run its last instruction: after its last switch away from a CPU.
    pub(crate) fn is_dead(self) -> bool {
        // SAFETY: valid; a word.
        let state = unsafe { core::ptr::read_volatile(&raw const (*self.0).__state) };
        state & bindings::TASK_DEAD != 0 && !self.on_cpu()
    }

    /// Whether it is on the task list: `pid_alive` of `include/linux/pid.h`.
    pub(crate) fn is_listed(self) -> bool {
        // SAFETY: valid; a word that `__unhash_process` clears.
        unsafe { !core::ptr::read_volatile(&raw const (*self.0).thread_pid).is_null() }
    }

    /// Takes a reference. Any context but NMI.
    pub(crate) fn reference(self) -> TaskRef {
        // SAFETY: valid, and not yet freed, so its count is not 0: only the last put frees by RCU.
        unsafe { bindings::get_task_struct(self.0) };
        // INVARIANT: taken just now.
        TaskRef(self.0)
    }

    fn next_process(self) -> Self {
        // SAFETY: under RCU (or with all CPUs held) the `next` pointer of a task found on the list
        // leads to a task that is still memory, also after either has been unlinked.
        unsafe {
            let next = core::ptr::read_volatile(&raw const (*self.0).tasks.next);
            Self::from_raw(container_of!(next, bindings::task_struct, tasks))
        }
    }

    fn for_each_thread(
        self,
        visit: &mut impl FnMut(Task<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // SAFETY: `signal` is freed by RCU with the last thread; the thread list is RCU-safe as the
        // list of processes is.
        unsafe {
            let head = &raw mut (*(*self.0).signal).thread_head;
            let mut at = core::ptr::read_volatile(&raw const (*head).next);
            while at != head {
                visit(Self::from_raw(container_of!(
                    at,
                    bindings::task_struct,
                    thread_node
                )))?;
                at = core::ptr::read_volatile(&raw const (*at).next);
            }
        }
        ControlFlow::Continue(())
    }

    /// `_held` is what keeps the list together: an RCU read section or the stop window.
    fn for_each_listed<T>(
        _held: &'a T,
        visit: &mut impl FnMut(Task<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // SAFETY: `init_task`, the head of the list, is static.
        let head = unsafe { Self::from_raw(&raw mut bindings::init_task) };
        let mut at = head.next_process();
        while at.0 != head.0 {
            at.for_each_thread(visit)?;
            at = at.next_process();
        }
        ControlFlow::Continue(())
    }

    /// Idle tasks are never freed.
    fn for_each_idle(visit: &mut impl FnMut(Task<'a>) -> ControlFlow<()>) -> ControlFlow<()> {
        for cpu in 0..bindings::possible_cpus() {
            if let Some(task) = Self::idle_of(cpu) {
                visit(task)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The idle task of the CPU with this number, below that of possible ones; none if it never
    /// came up.
    fn idle_of(cpu: usize) -> Option<Self> {
        // SAFETY: `cpu` is below `nr_cpu_ids`; the idle task of a possible CPU, once made, is
        // never freed.
        let task = unsafe { bindings::private::idle_task(cpu as ffi::c_int) };
        // SAFETY: as said.
        (!task.is_null()).then(|| unsafe { Self::from_raw(task) })
    }
}

/// A reference to a task.
///
/// # Invariants
///
/// Holds one count of the task's `usage`.
pub(crate) struct TaskRef(*mut bindings::task_struct);

// SAFETY: a task's count may be dropped by any thread.
unsafe impl Send for TaskRef {}
// SAFETY: everything a `Task` can do may be done by any thread.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// # Safety
    ///
    /// One count of the task's `usage` must be the caller's, and is given away.
    pub(in crate::edge) unsafe fn from_raw(task: *mut bindings::task_struct) -> Self {
        // INVARIANT: promised by the caller.
        Self(task)
    }

    pub(crate) fn borrow(&self) -> Task<'_> {
        // SAFETY: the reference keeps it valid.
        unsafe { Task::from_raw(self.0) }
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: by the type invariant one count is ours.
        unsafe { bindings::put_task_struct(self.0) }
    }
}

/// Waits until every task that is off the task list now, and was preempted there, has run its last
/// preemptible instruction or gone to sleep: a grace period of RCU-tasks. Process context; 10 to
/// 100 ms.
pub(crate) fn wait_for_unlisted() {
    // SAFETY: may be called from any context that may sleep.
    unsafe { bindings::synchronize_rcu_tasks() }
}

/// Has the idle tasks that run and are `wanted` switched out, by something else to do for their
/// CPUs. To be woken takes them round their loop only: the scheduler switches nobody when there is
/// nothing else. Process context; sleeps.
pub(crate) fn switch_idle(wanted: impl Fn(Task<'_>) -> bool) {
    /// # Safety
    ///
    /// None.
    unsafe extern "C" fn nothing(_: *mut ffi::c_void) -> ffi::c_int {
        0
    }
    for cpu in 0..bindings::possible_cpus() {
        if Task::idle_of(cpu).is_some_and(|task| task.on_cpu() && wanted(task)) {
            // SAFETY: `nothing` takes anything. A CPU that is offline by now is told from others.
            unsafe {
                bindings::smp_call_on_cpu(cpu as ffi::c_uint, Some(nothing), ptr::null_mut(), false)
            };
        }
    }
}

/// Visits every task once while the machine runs: a snapshot that may miss tasks that fork or exit
/// meanwhile. Process context; one RCU read section, preemptible.
pub(crate) fn for_each(mut visit: impl FnMut(Task<'_>)) {
    let guard = rcu::read_lock();
    let mut visit = |task: Task<'_>| {
        visit(task);
        ControlFlow::Continue(())
    };
    let _ = Task::for_each_listed(&guard, &mut visit);
    let _ = Task::for_each_idle(&mut visit);
}

/// Visits every task, exactly, until it breaks off: the list cannot change while all CPUs are held.
pub(crate) fn for_each_stopped(
    stopped: &Stopped<'_>,
    mut visit: impl FnMut(Task<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Task::for_each_listed(stopped, &mut visit)?;
    Task::for_each_idle(&mut visit)
}
