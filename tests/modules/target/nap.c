// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that keep a task inside themselves: asleep in the body, asleep in
 * the part gcc moves away (.cold), asleep below more than a hundred frames,
 * or running.
 *
 * A task leaves when target_release() has been called after it came in, or
 * when it is killed.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include "target.h"

/* Frames of target_dig() between target_deep() and the sleep. */
#define DEPTH 150

static DECLARE_WAIT_QUEUE_HEAD(waiters);
static atomic_t generation;
static atomic_t sleepers;

void target_release(void)
{
	atomic_inc(&generation);
	wake_up_all(&waiters);
}

int target_sleepers(void)
{
	return atomic_read(&sleepers);
}

/* Sleeps until the next release. Replacements call it too, to sleep in their own text. */
noinline void target_wait(void)
{
	int born = atomic_read(&generation);

	atomic_inc(&sleepers);
	wait_event_killable(waiters, atomic_read(&generation) != born);
	atomic_dec(&sleepers);
}
EXPORT_SYMBOL_GPL(target_wait);

/* The same, but gcc believes that calls of it are rare and moves them to .cold. */
static __cold noinline void wait_in_the_cold(void)
{
	target_wait();
	barrier();
}

TARGET int target_nap(void)
{
	target_wait();
	return 1;
}
/* exit_napper.ko calls it on behalf of threads that exit. */
EXPORT_SYMBOL_GPL(target_nap);

/* What late_value() of late.ko returns now; 0 when that is not there. Replacements call it, too. */
int target_late(void)
{
	int (*late_value)(void) = __symbol_get("late_value");
	int value = 0;

	if (late_value) {
		value = late_value();
		__symbol_put("late_value");
	}
	return value;
}
EXPORT_SYMBOL_GPL(target_late);

/* Calls a module that may have come meanwhile. */
TARGET int target_nap_then_late(void)
{
	target_wait();
	return 10 + target_late();
}

/* Asleep in target_cold_nap.cold when `sleepy`. */
TARGET int target_cold_nap(int sleepy)
{
	int warmth = 1;

	if (unlikely(sleepy)) {
		wait_in_the_cold();
		OPTIMIZER_HIDE_VAR(warmth);
	}
	return warmth;
}

static TARGET int target_dig(unsigned int depth)
{
	int above;

	if (!depth) {
		target_wait();
		return 0;
	}
	above = target_dig(depth - 1);
	/* Not a tail call, and not a loop in disguise. */
	OPTIMIZER_HIDE_VAR(above);
	return above + 1;
}

/* Outermost of DEPTH frames: whoever stops walking early does not see it. */
TARGET int target_deep(void)
{
	int depth = target_dig(DEPTH);

	OPTIMIZER_HIDE_VAR(depth);
	return depth;
}

static TARGET int target_callee(void)
{
	target_wait();
	return 1;
}

/* Sleeps in another function that it called. */
TARGET int target_nap_in_callee(void)
{
	int result = target_callee();

	OPTIMIZER_HIDE_VAR(result);
	return result;
}

/* Runs, preemptible, until the next release. */
TARGET int target_spin(void)
{
	int born = atomic_read(&generation);

	atomic_inc(&sleepers);
	while (atomic_read(&generation) == born && !fatal_signal_pending(current)) {
		cpu_relax();
		/* Long loops owe this to RCU-tasks, or ftrace can never free a trampoline. */
		cond_resched_tasks_rcu_qs();
	}
	atomic_dec(&sleepers);
	return 1;
}
