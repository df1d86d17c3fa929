// SPDX-License-Identifier: GPL-2.0
/*
 * bench_kpatch.ko: redirects the first `functions` functions of bench_target.ko
 * the way kpatch's core did. One ftrace_ops with full registers serves all; its
 * handler finds the function in a hash table by the address of the site. Written
 * for today's ftrace; without the state machine for NMIs, which ordinary calls
 * do not touch.
 */
#include <linux/ftrace.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include "bench.h"

static unsigned int functions = 1;
module_param(functions, uint, 0400);

#define REPLACEMENT(t, u)						\
	static int new_f0##t##u(void)					\
	{								\
		return BENCH_KPATCH + 10 * t + u;			\
	}
BENCH_ALL(REPLACEMENT)

#define ADDRESS(t, u) new_f0##t##u,
static int (*const replacements[BENCH_FUNCTIONS])(void) = { BENCH_ALL(ADDRESS) };

static struct entry {
	struct hlist_node node;
	unsigned long site, replacement;
} entries[BENCH_FUNCTIONS];

static DEFINE_HASHTABLE(table, 8);

static struct entry *look_up(unsigned long site)
{
	struct entry *entry;

	hash_for_each_possible_rcu(table, entry, node, site)
		if (entry->site == site)
			return entry;
	return NULL;
}

static void notrace redirect(unsigned long ip, unsigned long parent,
			     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct entry *entry;

	preempt_disable_notrace();
	if (likely(!in_nmi())) {
		entry = look_up(ip);
		if (entry)
			ftrace_regs_set_instruction_pointer(fregs, entry->replacement);
	}
	preempt_enable_notrace();
}

static struct ftrace_ops ops = {
	.func = redirect,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int __init bench_kpatch_init(void)
{
	unsigned int i;
	int err;

	if (!functions || functions > BENCH_FUNCTIONS)
		return -EINVAL;
	for (i = 0; i < functions; i++) {
		unsigned long function = (unsigned long)bench_functions[i];

		/* behind the ENDBR that every function begins with */
		entries[i].site = function + (IS_ENABLED(CONFIG_X86_KERNEL_IBT) ? 4 : 0);
		entries[i].replacement = (unsigned long)replacements[i];
		hash_add_rcu(table, &entries[i].node, entries[i].site);
		err = ftrace_set_filter_ip(&ops, entries[i].site, 0, 0);
		if (err)
			return err;
	}
	return register_ftrace_function(&ops);
}

static void __exit bench_kpatch_exit(void)
{
	unregister_ftrace_function(&ops);
}

module_init(bench_kpatch_init);
module_exit(bench_kpatch_exit);
MODULE_DESCRIPTION("functions redirected as kpatch did");
MODULE_LICENSE("GPL");
