// SPDX-License-Identifier: GPL-2.0
/*
 * probe_owner.ko: holds a kprobe on the function named by `symbol`.
 *
 * With `post` the probe has a post_handler: then it may change the instruction
 * pointer (IPMODIFY), and nobody else may. Without, it only listens; unless `to`
 * names a function, into which it sends calls all the same, as fault injection does.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

static char *symbol = "target_value";
module_param(symbol, charp, 0400);

static bool post;
module_param(post, bool, 0400);

static char *to;
module_param(to, charp, 0400);

static unsigned int hits;
module_param(hits, uint, 0400);

/* Where `to` goes on behind the call of ftrace; 0 without it. */
static unsigned long behind;

static int before(struct kprobe *probe, struct pt_regs *regs)
{
	hits++;
	if (!behind)
		return 0;
	instruction_pointer_set(regs, behind);
	return 1;
}

static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = { .pre_handler = before };

/* A probe at the beginning of a function is at its call of ftrace. */
static int find_behind(void)
{
	struct kprobe finder = { .symbol_name = to };
	int err = register_kprobe(&finder);

	if (err)
		return err;
	behind = (unsigned long)finder.addr + MCOUNT_INSN_SIZE;
	unregister_kprobe(&finder);
	return 0;
}

static int __init probe_owner_init(void)
{
	int err = to ? find_behind() : 0;

	if (err)
		return err;
	probe.symbol_name = symbol;
	if (post)
		probe.post_handler = after;
	return register_kprobe(&probe);
}

static void __exit probe_owner_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(probe_owner_init);
module_exit(probe_owner_exit);
MODULE_DESCRIPTION("holds a kprobe");
MODULE_LICENSE("GPL");
