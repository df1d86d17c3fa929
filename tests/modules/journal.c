// SPDX-License-Identifier: GPL-2.0
/*
 * journal.ko: where modules of the tests write down what they do, in order. It
 * outlives them, so it also tells of those whose load failed.
 *
 * /sys/module/journal/parameters/:
 *   entries  one line each; writing clears them
 *   refuse   entry that is to be answered with -ENODEV
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "journal.h"

static DEFINE_MUTEX(lock);
static char entries[PAGE_SIZE - 1];
static char refuse[100];

module_param_string(refuse, refuse, sizeof(refuse), 0600);

/*
 * Notes "WHO WHAT WHERE". Sleeps, so whoever calls it inside a stop window, with a
 * spinlock held or from an interrupt is found out.
 */
int journal_note(const char *who, const char *what, const char *where)
{
	char entry[100];

	snprintf(entry, sizeof(entry), "%s %s %s", who, what, where);
	msleep(1);
	guard(mutex)(&lock);
	strlcat(entries, entry, sizeof(entries));
	strlcat(entries, "\n", sizeof(entries));
	return strcmp(entry, refuse) ? 0 : -ENODEV;
}
EXPORT_SYMBOL_GPL(journal_note);

static int entries_get(char *buffer, const struct kernel_param *param)
{
	guard(mutex)(&lock);
	return sysfs_emit(buffer, "%s", entries);
}

static int entries_set(const char *value, const struct kernel_param *param)
{
	guard(mutex)(&lock);
	entries[0] = '\0';
	return 0;
}

static const struct kernel_param_ops entries_ops = { .set = entries_set, .get = entries_get };
module_param_cb(entries, &entries_ops, NULL, 0600);

MODULE_DESCRIPTION("where modules of the tests write down what they do");
MODULE_LICENSE("GPL");
