// SPDX-License-Identifier: GPL-2.0
/*
 * bench_target.ko: 100 functions to be patched, and the loop that tells what a
 * call of one costs. Files in /proc/bench_target:
 *
 *   call    reading runs the loop: "NANOSECONDS CALLS SUM OF RESULTS"
 *   clock   reading runs a loop of known length: "NANOSECONDS INSTRUCTIONS"
 *   values  reading calls every function: what they returned, a line each
 *   rest    "1" written lets whoever calls bench_f001 sleep in it until "0" is;
 *           reading tells how many do
 *   enter   reading calls bench_f001
 */
#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include "bench.h"

#define CALLS 100000

static DECLARE_WAIT_QUEUE_HEAD(resters);
static bool resting;
static atomic_t sleepers;

noinline void bench_rest(void)
{
	if (likely(!READ_ONCE(resting)))
		return;
	atomic_inc(&sleepers);
	wait_event_killable(resters, !READ_ONCE(resting));
	atomic_dec(&sleepers);
}
EXPORT_SYMBOL_GPL(bench_rest);

/* The one that tasks may be asleep in. */
static BENCH_FUNCTION int bench_f001(void)
{
	bench_rest();
	return BENCH_OLD + 1;
}

#define SIMPLE(t, u)							\
	static BENCH_FUNCTION int bench_f0##t##u(void)			\
	{								\
		return BENCH_OLD + 10 * t + u;				\
	}

SIMPLE(0, 0)
SIMPLE(0, 2) SIMPLE(0, 3) SIMPLE(0, 4) SIMPLE(0, 5)
SIMPLE(0, 6) SIMPLE(0, 7) SIMPLE(0, 8) SIMPLE(0, 9)
BENCH_TEN(SIMPLE, 1) BENCH_TEN(SIMPLE, 2) BENCH_TEN(SIMPLE, 3)
BENCH_TEN(SIMPLE, 4) BENCH_TEN(SIMPLE, 5) BENCH_TEN(SIMPLE, 6)
BENCH_TEN(SIMPLE, 7) BENCH_TEN(SIMPLE, 8) BENCH_TEN(SIMPLE, 9)

#define ADDRESS(t, u) bench_f0##t##u,
int (*const bench_functions[BENCH_FUNCTIONS])(void) = { BENCH_ALL(ADDRESS) };
EXPORT_SYMBOL_GPL(bench_functions);

/* Not interrupted, so that every nanosecond is the loop's. The call is a direct one. */
static int call_show(struct seq_file *m, void *unused)
{
	unsigned long flags, sum = 0;
	u64 begun, ended;
	int i;

	local_irq_save(flags);
	begun = ktime_get_mono_fast_ns();
	for (i = 0; i < CALLS; i++)
		sum += bench_f000();
	ended = ktime_get_mono_fast_ns();
	local_irq_restore(flags);
	seq_printf(m, "%llu %d %lu\n", ended - begun, CALLS, sum);
	return 0;
}

/* Two instructions a turn: on a machine that counts instructions, so does the clock. */
static int clock_show(struct seq_file *m, void *unused)
{
	unsigned long flags, turns = 1000000;
	u64 begun, ended;

	local_irq_save(flags);
	begun = ktime_get_mono_fast_ns();
	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (turns) : : "cc");
	ended = ktime_get_mono_fast_ns();
	local_irq_restore(flags);
	seq_printf(m, "%llu %d\n", ended - begun, 2000000);
	return 0;
}

static int values_show(struct seq_file *m, void *unused)
{
	int i;

	for (i = 0; i < BENCH_FUNCTIONS; i++)
		seq_printf(m, "%d\n", bench_functions[i]());
	return 0;
}

static int enter_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", bench_f001());
	return 0;
}

static int rest_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", atomic_read(&sleepers));
	return 0;
}

static int rest_open(struct inode *inode, struct file *file)
{
	return single_open(file, rest_show, NULL);
}

static ssize_t rest_write(struct file *file, const char __user *buffer,
			  size_t count, loff_t *position)
{
	bool value;
	int err = kstrtobool_from_user(buffer, count, &value);

	if (err)
		return err;
	WRITE_ONCE(resting, value);
	wake_up_all(&resters);
	return count;
}

static const struct proc_ops rest_file = {
	.proc_open = rest_open,
	.proc_read = seq_read,
	.proc_write = rest_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int __init bench_target_init(void)
{
	struct proc_dir_entry *folder = proc_mkdir("bench_target", NULL);

	if (!folder)
		return -ENOMEM;
	if (proc_create_single("call", 0400, folder, call_show) &&
	    proc_create_single("clock", 0400, folder, clock_show) &&
	    proc_create_single("values", 0400, folder, values_show) &&
	    proc_create_single("enter", 0400, folder, enter_show) &&
	    proc_create("rest", 0600, folder, &rest_file))
		return 0;
	proc_remove(folder);
	return -ENOMEM;
}

static void __exit bench_target_exit(void)
{
	remove_proc_subtree("bench_target", NULL);
}

module_init(bench_target_init);
module_exit(bench_target_exit);
MODULE_DESCRIPTION("functions that the benchmark patches");
MODULE_LICENSE("GPL");
