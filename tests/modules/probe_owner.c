// SPDX-License-Identifier: GPL-2.0
/*
 * probe_owner.ko: holds a kprobe on the function named by `symbol`.
 *
 * With `post` the probe has a post_handler: then it may change the instruction
 * pointer (IPMODIFY), and nobody else may. Without, it only listens.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

static char *symbol = "target_value";
module_param(symbol, charp, 0400);

static bool post;
module_param(post, bool, 0400);

static unsigned int hits;
module_param(hits, uint, 0400);

static int before(struct kprobe *probe, struct pt_regs *regs)
{
	hits++;
	return 0;
}

static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = { .pre_handler = before };

static int __init probe_owner_init(void)
{
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
