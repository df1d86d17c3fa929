// SPDX-License-Identifier: GPL-2.0
/*
 * target.ko: functions to be patched, and the files that drive them.
 *
 * Reading /proc/target/NAME calls the function in the reader's own context and
 * shows what it returned. Writing to /sys/module/target/parameters/ controls:
 *
 *   wake    lets everybody out who sleeps or spins in a function
 *   hammer  number of kernel threads that call target_outer()
 *   gap     turns they make between two calls
 *   inside  turns that anybody makes in the old target_outer()
 *   doze    1 starts a kernel thread that sleeps in target_doze(), 0 stops it
 */
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/stop_machine.h>
#include "target.h"

/* A file /proc/target/NAME whose content is what EXPR yields. */
#define SHOW(name, format, expr)					\
	static int name##_show(struct seq_file *m, void *unused)	\
	{								\
		seq_printf(m, format "\n", expr);			\
		return 0;						\
	}

SHOW(value, "%d", target_value())
SHOW(first, "%d", target_first())
SHOW(second, "%d", target_second())
SHOW(notrace, "%d", target_notrace())
SHOW(stopped, "%d", stop_machine(target_stopped, NULL, NULL))
SHOW(twin_a, "%d", target_twin_a())
SHOW(twin_b, "%d", target_twin_b())
SHOW(nap, "%d", target_nap())
SHOW(nap_then_late, "%d", target_nap_then_late())
SHOW(cold_nap, "%d", target_cold_nap(1))
SHOW(warm_nap, "%d", target_cold_nap(0))
SHOW(deep, "%d", target_deep())
SHOW(nap_in_callee, "%d", target_nap_in_callee())
SHOW(spin, "%d", target_spin())
SHOW(pair, "%#x", target_outer())
SHOW(private, "%d", target_private())
SHOW(dozes, "%d", target_dozes())
SHOW(sleepers, "%d", target_sleepers())
SHOW(olds, "%lld", atomic64_read(&target_olds))
SHOW(news, "%lld", atomic64_read(&target_news))
SHOW(mixes, "%lld", atomic64_read(&target_mixes))

static const struct {
	const char *name;
	int (*show)(struct seq_file *m, void *unused);
} files[] = {
	{ "value", value_show },
	{ "first", first_show },
	{ "second", second_show },
	{ "notrace", notrace_show },
	{ "stopped", stopped_show },
	{ "twin_a", twin_a_show },
	{ "twin_b", twin_b_show },
	{ "nap", nap_show },
	{ "nap_then_late", nap_then_late_show },
	{ "cold_nap", cold_nap_show },
	{ "warm_nap", warm_nap_show },
	{ "deep", deep_show },
	{ "nap_in_callee", nap_in_callee_show },
	{ "spin", spin_show },
	{ "pair", pair_show },
	{ "private", private_show },
	{ "dozes", dozes_show },
	{ "sleepers", sleepers_show },
	{ "olds", olds_show },
	{ "news", news_show },
	{ "mixes", mixes_show },
};

static int wake_set(const char *value, const struct kernel_param *param)
{
	target_release();
	return 0;
}

static const struct kernel_param_ops wake_ops = { .set = wake_set };
module_param_cb(wake, &wake_ops, NULL, 0200);

static int hammer_set(const char *value, const struct kernel_param *param)
{
	unsigned int threads;
	int err = kstrtouint(value, 0, &threads);

	return err ?: target_hammer(threads);
}

static const struct kernel_param_ops hammer_ops = { .set = hammer_set };
module_param_cb(hammer, &hammer_ops, NULL, 0200);

static int doze_set(const char *value, const struct kernel_param *param)
{
	bool wanted;
	int err = kstrtobool(value, &wanted);

	return err ?: target_dozer(wanted);
}

static const struct kernel_param_ops doze_ops = { .set = doze_set };
module_param_cb(doze, &doze_ops, NULL, 0200);

module_param_named(gap, target_gap, uint, 0600);
module_param_named(inside, target_inside, uint, 0600);

static int __init target_init(void)
{
	struct proc_dir_entry *folder = proc_mkdir("target", NULL);
	int i;

	if (!folder)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!proc_create_single(files[i].name, 0444, folder, files[i].show)) {
			proc_remove(folder);
			return -ENOMEM;
		}
	}
	if (!proc_create("object", 0600, folder, &target_object_file)) {
		proc_remove(folder);
		return -ENOMEM;
	}
	return 0;
}

static void __exit target_exit(void)
{
	target_hammer(0);
	target_dozer(false);
	target_release();
	remove_proc_subtree("target", NULL);
}

module_init(target_init);
module_exit(target_exit);
MODULE_DESCRIPTION("functions that tests patch");
MODULE_LICENSE("GPL");
