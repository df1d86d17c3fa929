// SPDX-License-Identifier: GPL-2.0
/*
 * direct_owner.ko: a direct ftrace user of the function `symbol`, which does
 * not share it with anybody who changes the instruction pointer.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>

static char *symbol = "target_value";
module_param(symbol, charp, 0400);

extern void direct_owner_trampoline(void);

/* Goes straight back to the function. */
asm (
"	.pushsection	.text, \"ax\", @progbits\n"
"	.type		direct_owner_trampoline, @function\n"
"	.globl		direct_owner_trampoline\n"
"direct_owner_trampoline:\n"
	ASM_ENDBR
	ASM_RET
"	.size		direct_owner_trampoline, .-direct_owner_trampoline\n"
"	.popsection\n"
);

static struct ftrace_ops direct;

static int __init direct_owner_init(void)
{
	int err = ftrace_set_filter(&direct, symbol, strlen(symbol), 1);

	return err ?: register_ftrace_direct(&direct, (unsigned long)direct_owner_trampoline);
}

static void __exit direct_owner_exit(void)
{
	unregister_ftrace_direct(&direct, (unsigned long)direct_owner_trampoline, true);
}

module_init(direct_owner_init);
module_exit(direct_owner_exit);
MODULE_DESCRIPTION("a direct ftrace user");
MODULE_LICENSE("GPL");
