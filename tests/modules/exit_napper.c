// SPDX-License-Identifier: GPL-2.0
/*
 * exit_napper.ko: lets a thread called "goner" fall asleep in target_nap()
 * while it exits, after it has left the task list.
 *
 * proc_exit_connector() runs between exit_notify(), where such a thread takes
 * itself off the list, and the end of do_exit(). The ops is the only one on it,
 * so its handler is called straight from a trampoline and may sleep.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "target/target.h"

#define PLACE "proc_exit_connector"

static void notrace nap(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			struct ftrace_regs *fregs)
{
	if (!strcmp(current->comm, "goner"))
		target_nap();
}

static struct ftrace_ops ops = { .func = nap };

static int __init exit_napper_init(void)
{
	int err = ftrace_set_filter(&ops, PLACE, strlen(PLACE), 1);

	return err ?: register_ftrace_function(&ops);
}

static void __exit exit_napper_exit(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

module_init(exit_napper_init);
module_exit(exit_napper_exit);
MODULE_DESCRIPTION("makes exiting threads sleep");
MODULE_LICENSE("GPL");
