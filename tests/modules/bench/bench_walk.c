// SPDX-License-Identifier: GPL-2.0
/*
 * bench_walk.ko: the stop window of a patcher that looks at all tasks in it.
 *
 * The algorithm is that of kpatch's core module: with all CPUs held, save the
 * stack of every thread of every process, at most 64 addresses of it, and
 * compare every address with every function, one after the other. What is left
 * out makes it shorter: kpatch also looked each function up in its hash table
 * for each address, and switched the functions.
 *
 * Files in /proc/bench_walk:
 *
 *   empty     a window with nothing in it: "NANOSECONDS WHOLE", where WHOLE is
 *             from before stop_machine() was called to after it returned
 *   walk_K    the first K functions of bench_target.ko, for 1, 10 and 100:
 *             "NANOSECONDS WHOLE TASKS ADDRESSES TOO DEEP PID" and, when a task
 *             is inside, the function it is in; PID is 0 when none is
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/stacktrace.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>
#include "bench.h"

#define MAX_DEPTH 64

struct text {
	unsigned long start, size;
};

struct window {
	unsigned int functions;
	/* nanoseconds of the callback: from the last CPU's arrival to their release */
	u64 ns;
	unsigned int tasks, addresses, too_deep;
	pid_t inside;
	unsigned int function;
};

static struct text texts[BENCH_FUNCTIONS];
static unsigned long addresses[MAX_DEPTH];
static DEFINE_MUTEX(lock);

static bool is_inside(struct window *window, struct task_struct *task, unsigned int depth)
{
	unsigned int a, f;

	for (a = 0; a < depth; a++) {
		for (f = 0; f < window->functions; f++) {
			if (addresses[a] >= texts[f].start &&
			    addresses[a] < texts[f].start + texts[f].size) {
				window->inside = task->pid;
				window->function = f;
				return true;
			}
		}
	}
	return false;
}

static void look_at_all(struct window *window)
{
	struct task_struct *process, *thread;

	for_each_process_thread(process, thread) {
		unsigned int depth = stack_trace_save_tsk(thread, addresses, MAX_DEPTH, 0);

		window->tasks++;
		window->addresses += depth;
		if (depth >= MAX_DEPTH) {
			window->too_deep++;
			return;
		}
		if (is_inside(window, thread, depth))
			return;
	}
}

static int in_the_window(void *data)
{
	struct window *window = data;
	u64 begun = ktime_get_mono_fast_ns();

	if (window->functions)
		look_at_all(window);
	window->ns = ktime_get_mono_fast_ns() - begun;
	return 0;
}

static int stop(struct window *window, u64 *whole)
{
	u64 begun = ktime_get_mono_fast_ns();
	int err = stop_machine(in_the_window, window, NULL);

	*whole = ktime_get_mono_fast_ns() - begun;
	return err;
}

static int window_show(struct seq_file *m, void *unused)
{
	struct window window = { .functions = (unsigned long)m->private };
	u64 whole;
	int err;

	mutex_lock(&lock);
	err = stop(&window, &whole);
	mutex_unlock(&lock);
	if (err)
		return err;
	seq_printf(m, "%llu %llu", window.ns, whole);
	if (window.functions)
		seq_printf(m, " %u %u %u %d", window.tasks, window.addresses,
			   window.too_deep, window.inside);
	if (window.inside)
		seq_printf(m, " %ps", bench_functions[window.function]);
	seq_putc(m, '\n');
	return 0;
}

/* Where a function is and how long, as the symbol table says. */
static int find(struct text *text, int (*function)(void))
{
	char words[KSYM_SYMBOL_LEN];
	const char *size;

	snprintf(words, sizeof(words), "%pS", function);
	size = strstr(words, "+0x0/0x");
	if (!size || sscanf(size, "+0x0/%lx", &text->size) != 1)
		return -ENOENT;
	text->start = (unsigned long)function;
	return 0;
}

static int __init bench_walk_init(void)
{
	static const struct {
		const char *name;
		unsigned long functions;
	} files[] = { { "empty", 0 }, { "walk_1", 1 }, { "walk_10", 10 }, { "walk_100", 100 } };
	struct proc_dir_entry *folder;
	int i, err;

	for (i = 0; i < BENCH_FUNCTIONS; i++) {
		err = find(&texts[i], bench_functions[i]);
		if (err)
			return err;
	}
	folder = proc_mkdir("bench_walk", NULL);
	if (!folder)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!proc_create_single_data(files[i].name, 0400, folder, window_show,
					     (void *)files[i].functions)) {
			proc_remove(folder);
			return -ENOMEM;
		}
	}
	return 0;
}

static void __exit bench_walk_exit(void)
{
	remove_proc_subtree("bench_walk", NULL);
}

module_init(bench_walk_init);
module_exit(bench_walk_exit);
MODULE_DESCRIPTION("a window that looks at all tasks");
MODULE_LICENSE("GPL");
