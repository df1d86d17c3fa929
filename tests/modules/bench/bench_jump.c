// SPDX-License-Identifier: GPL-2.0
/*
 * bench_jump.ko: a jump at the entry of bench_f000, the least that a redirected
 * call can cost.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include "bench.h"

static BENCH_FUNCTION int replacement(void)
{
	return BENCH_JUMP;
}

static struct ftrace_ops ops;

/* The lowest bit asks ftrace for a jump instead of a call. */
static unsigned long target(void)
{
	return (unsigned long)replacement | 1;
}

static int __init bench_jump_init(void)
{
	int err = ftrace_set_filter_ip(&ops, (unsigned long)bench_functions[0], 0, 0);

	return err ?: register_ftrace_direct(&ops, target());
}

static void __exit bench_jump_exit(void)
{
	unregister_ftrace_direct(&ops, target(), true);
}

module_init(bench_jump_init);
module_exit(bench_jump_exit);
MODULE_DESCRIPTION("a jump at the entry");
MODULE_LICENSE("GPL");
