// SPDX-License-Identifier: GPL-2.0
/*
 * nmi_source.ko: calls a function, nmi_value(), from NMI context.
 *
 * /sys/module/nmi_source/parameters/:
 *   in_window  that many NMIs are sent from inside stop windows: whenever the
 *              unwinder runs on a stopper thread with interrupts off, an NMI is
 *              sent to this very CPU, which takes it at once. So the function is
 *              used between the start of the verification and the switch.
 *   ask        a CPU that is sent one NMI; reads as what nmi_value() returned there
 *   storm      1: a thread sends NMIs to all CPUs all the time
 *   calls      how often nmi_value() was called from an NMI
 *   value      nmi_value() called now, from task context
 *   strange    how often it returned neither 1 nor 2
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#define UNWINDER "unwind_next_frame"

static atomic_t in_window;
static atomic_t sent;
static atomic_t calls;
static atomic_t strange;
/* What an NMI has seen last. */
static int seen;
static struct task_struct *storm;

/* The function that tests patch. */
int nmi_value(void);
noinline __attribute__((__noipa__)) int nmi_value(void)
{
	return 1;
}

static void check(int value)
{
	WRITE_ONCE(seen, value);
	if (value != 1 && value != 2)
		atomic_inc(&strange);
}

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (atomic_dec_if_positive(&sent) < 0)
		return NMI_DONE;
	check(nmi_value());
	atomic_inc(&calls);
	return NMI_HANDLED;
}

/* To the chip itself: nothing exported sends NMIs. */
static void notrace send_nmi(int cpu)
{
	atomic_inc(&sent);
	apic->send_IPI(cpu, NMI_VECTOR);
}

static bool notrace in_stop_window(void)
{
	return irqs_disabled() && str_has_prefix(current->comm, "migration/");
}

static void notrace on_unwind(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	if (in_stop_window() && atomic_dec_if_positive(&in_window) >= 0)
		send_nmi(raw_smp_processor_id());
}

static struct ftrace_ops unwinder_ops = { .func = on_unwind };

static int make_storm(void *unused)
{
	while (!kthread_should_stop()) {
		int cpu;

		scoped_guard(cpus_read_lock)
			for_each_online_cpu(cpu)
				send_nmi(cpu);
		usleep_range(100, 200);
	}
	return 0;
}

static int in_window_set(const char *value, const struct kernel_param *param)
{
	int count, err = kstrtoint(value, 0, &count);

	if (!err)
		atomic_set(&in_window, count);
	return err;
}

static int ask_set(const char *value, const struct kernel_param *param)
{
	unsigned int cpu;
	int err = kstrtouint(value, 0, &cpu);

	if (err)
		return err;

	guard(cpus_read_lock)();
	if (!cpu_online(cpu))
		return -EINVAL;
	WRITE_ONCE(seen, 0);
	send_nmi(cpu);
	while (!READ_ONCE(seen))
		cpu_relax();
	return 0;
}

static int storm_set(const char *value, const struct kernel_param *param)
{
	bool on;
	int err = kstrtobool(value, &on);

	if (err)
		return err;
	if (on && !storm) {
		struct task_struct *thread = kthread_run(make_storm, NULL, "nmi_storm");

		if (IS_ERR(thread))
			return PTR_ERR(thread);
		storm = thread;
	} else if (!on && storm) {
		kthread_stop(storm);
		storm = NULL;
	}
	return 0;
}

static int counter_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read((atomic_t *)param->arg));
}

static int value_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", nmi_value());
}

static const struct kernel_param_ops in_window_ops = { .set = in_window_set, .get = counter_get };
static const struct kernel_param_ops ask_ops = { .set = ask_set, .get = param_get_int };
static const struct kernel_param_ops storm_ops = { .set = storm_set };
static const struct kernel_param_ops counter_ops = { .get = counter_get };
static const struct kernel_param_ops value_ops = { .get = value_get };

module_param_cb(in_window, &in_window_ops, &in_window, 0600);
module_param_cb(ask, &ask_ops, &seen, 0600);
module_param_cb(storm, &storm_ops, NULL, 0200);
module_param_cb(calls, &counter_ops, &calls, 0400);
module_param_cb(strange, &counter_ops, &strange, 0400);
module_param_cb(value, &value_ops, NULL, 0400);

static int __init nmi_source_init(void)
{
	int err = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "nmi_source");

	if (err)
		return err;
	err = ftrace_set_filter(&unwinder_ops, UNWINDER, strlen(UNWINDER), 1);
	if (!err)
		err = register_ftrace_function(&unwinder_ops);
	if (err)
		unregister_nmi_handler(NMI_LOCAL, "nmi_source");
	return err;
}

static void __exit nmi_source_exit(void)
{
	if (storm)
		kthread_stop(storm);
	unregister_ftrace_function(&unwinder_ops);
	ftrace_free_filter(&unwinder_ops);
	/* NMIs that are still on their way find their handler. */
	while (atomic_read(&sent))
		usleep_range(100, 200);
	unregister_nmi_handler(NMI_LOCAL, "nmi_source");
}

module_init(nmi_source_init);
module_exit(nmi_source_exit);
MODULE_DESCRIPTION("calls a function from NMI context");
MODULE_LICENSE("GPL");
