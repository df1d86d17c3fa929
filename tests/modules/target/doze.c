// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel thread that always sleeps in one function: it comes out of it when
 * it is woken, and goes in again.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include "target.h"

static struct task_struct *dozer;
static atomic_t dozes;

/* How often it has fallen asleep. */
int target_dozes(void)
{
	return atomic_read(&dozes);
}

/* Sleeps until it is woken, by whomever. The replacement calls it, too. */
noinline void target_sleep(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
	atomic_inc(&dozes);
	if (!kthread_should_stop())
		schedule();
	__set_current_state(TASK_RUNNING);
}
EXPORT_SYMBOL_GPL(target_sleep);

TARGET int target_doze(void)
{
	target_sleep();
	return 1;
}

static int doze(void *unused)
{
	while (!kthread_should_stop()) {
		target_doze();
		/* Outside of it, for so long that it is switched out on a busy host, too. */
		msleep(500);
	}
	return 0;
}

/* Starts the thread, or stops it. */
int target_dozer(bool wanted)
{
	struct task_struct *thread = dozer;

	if (!wanted) {
		dozer = NULL;
		return thread ? kthread_stop(thread) : 0;
	}
	if (thread)
		return -EBUSY;
	thread = kthread_run(doze, NULL, "dozer");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	dozer = thread;
	return 0;
}
