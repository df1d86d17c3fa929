// SPDX-License-Identifier: GPL-2.0
/*
 * Two functions that must change together, and threads that hammer them.
 *
 * The oracle: target_outer() calls target_inner(). While a task is in the old
 * outer, nothing may be switched, so the old outer only ever meets the old
 * inner, and the new outer only the new inner. Each version adds its own digit,
 * so a call returns PAIR_OLD or PAIR_NEW; anything else is a mix. (Two calls in
 * a row prove nothing: the switch may legally fall between them.)
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include "target.h"

#define MAX_THREADS 32

/* Turns of a thread outside the functions between two calls. */
unsigned int target_gap = 200;
atomic64_t target_olds, target_news, target_mixes;

static struct task_struct *hammers[MAX_THREADS];
static DEFINE_MUTEX(hammers_lock);

TARGET int target_inner(void)
{
	return 0x01;
}
/* The new outer calls it by this name, through its ftrace site. */
EXPORT_SYMBOL_GPL(target_inner);

/* Turns of a thread in the old outer function. */
unsigned int target_inside;

TARGET int target_outer(void)
{
	unsigned int turn, inside = READ_ONCE(target_inside);

	/* Before the call: whoever is taken for outside here meets the other inner. */
	for (turn = 0; turn < inside; turn++)
		barrier();
	return 0x10 + target_inner();
}

static void call_once(void)
{
	switch (target_outer()) {
	case PAIR_OLD:
		atomic64_inc(&target_olds);
		break;
	case PAIR_NEW:
		atomic64_inc(&target_news);
		break;
	default:
		atomic64_inc(&target_mixes);
	}
}

static int hammer(void *unused)
{
	unsigned int calls = 0;

	while (!kthread_should_stop()) {
		unsigned int turn, gap = READ_ONCE(target_gap);

		call_once();
		/* Not cpu_relax(): QEMU takes it for a wish to run the other CPU. */
		for (turn = 0; turn < gap; turn++)
			barrier();
		/* Asleep now and then, as most tasks are: RCU-tasks polls for those who are not. */
		if (gap && !(++calls % 32))
			usleep_range(100, 200);
		/* Long loops owe this to RCU-tasks, or ftrace can never free a trampoline. */
		cond_resched_tasks_rcu_qs();
	}
	return 0;
}

/* Makes it so that this many threads hammer. */
int target_hammer(unsigned int threads)
{
	unsigned int i;

	if (threads > MAX_THREADS)
		return -EINVAL;

	guard(mutex)(&hammers_lock);
	for (i = 0; i < MAX_THREADS; i++) {
		if (i >= threads && hammers[i]) {
			kthread_stop(hammers[i]);
			hammers[i] = NULL;
		}
		if (i < threads && !hammers[i]) {
			struct task_struct *thread = kthread_run(hammer, NULL, "hammer/%u", i);

			if (IS_ERR(thread))
				return PTR_ERR(thread);
			hammers[i] = thread;
		}
	}
	return 0;
}
