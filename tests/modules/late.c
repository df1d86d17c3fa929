// SPDX-License-Identifier: GPL-2.0
/*
 * late.ko: a module that comes when patches of it are enabled already.
 *
 * The first thing it does is to call late_value() and to note in the journal what
 * that returned. Parameters:
 *
 *   fail   1: its init fails then, with -ENXIO
 *   linger 1: its init or exit stays inside until it is set to 0
 *   value  late_value() called now
 *   other, untraced: the same of their functions
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include "journal.h"
#include "target/target.h"

static bool fail;
module_param(fail, bool, 0400);

static bool linger;
module_param(linger, bool, 0600);

/* The functions that tests patch. */
int late_value(void);
TARGET int late_value(void)
{
	return 1;
}
/* target.ko looks for it. */
EXPORT_SYMBOL_GPL(late_value);

int late_other(void);
TARGET int late_other(void)
{
	return 1;
}

/* Has no ftrace site. */
int late_notrace(void);
TARGET notrace int late_notrace(void)
{
	return 1;
}

static int value_get(char *buffer, const struct kernel_param *param)
{
	int (*function)(void) = param->arg;

	return sysfs_emit(buffer, "%d\n", function());
}

static const struct kernel_param_ops value_ops = { .get = value_get };
module_param_cb(value, &value_ops, late_value, 0400);
module_param_cb(other, &value_ops, late_other, 0400);
module_param_cb(untraced, &value_ops, late_notrace, 0400);

static void wait_if_told(void)
{
	while (READ_ONCE(linger))
		msleep(10);
}

static int __init late_init(void)
{
	char value[12];

	snprintf(value, sizeof(value), "%d", late_value());
	journal_note("late", "init", value);
	wait_if_told();
	return fail ? -ENXIO : 0;
}

static void __exit late_exit(void)
{
	journal_note("late", "exit", "");
	wait_if_told();
}

module_init(late_init);
module_exit(late_exit);
MODULE_DESCRIPTION("comes when patches of it are enabled already");
MODULE_LICENSE("GPL");
