// SPDX-License-Identifier: GPL-2.0
/*
 * klp_owner.ko: a mainline livepatch of the function `symbol` in target.ko,
 * which returns 50 from then on.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

static char *symbol = "target_value";
module_param(symbol, charp, 0400);

static int fifty(void)
{
	return 50;
}

static struct klp_func funcs[] = { { .new_func = fifty }, {} };
static struct klp_object objects[] = { { .name = "target", .funcs = funcs }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init klp_owner_init(void)
{
	funcs[0].old_name = symbol;
	return klp_enable_patch(&patch);
}

static void __exit klp_owner_exit(void)
{
}

module_init(klp_owner_init);
module_exit(klp_owner_exit);
MODULE_DESCRIPTION("a mainline livepatch");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
