/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mainline livepatch of functions of bench_target.ko: BENCH_SOME(F) says of
 * which, as BENCH_ALL(F) does of all.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include "bench.h"

#define REPLACEMENT(t, u)						\
	static int new_f0##t##u(void)					\
	{								\
		return BENCH_LIVEPATCH + 10 * t + u;			\
	}
BENCH_SOME(REPLACEMENT)

#define FUNCTION(t, u) { .old_name = "bench_f0" #t #u, .new_func = new_f0##t##u },
static struct klp_func funcs[] = { BENCH_SOME(FUNCTION) {} };
static struct klp_object objects[] = { { .name = "bench_target", .funcs = funcs }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init bench_livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit bench_livepatch_exit(void)
{
}

module_init(bench_livepatch_init);
module_exit(bench_livepatch_exit);
MODULE_DESCRIPTION("a mainline livepatch");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
