// SPDX-License-Identifier: GPL-2.0
/*
 * What only this module can name: a static function, a static variable, and a
 * static call. Parameters:
 *
 *   hidden  the variable
 *   two     whether the static call returns 2 instead of 1
 */
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/static_call.h>
#include "target.h"

static int hidden = 5;
module_param(hidden, int, 0600);

static TARGET int target_hidden(int number)
{
	return hidden + number;
}

static int target_call_one(void)
{
	return 1;
}

static int target_call_two(void)
{
	return 2;
}

DEFINE_STATIC_CALL(target_call, target_call_one);

static int two_set(const char *value, const struct kernel_param *param)
{
	bool two;
	int err = kstrtobool(value, &two);

	if (!err)
		static_call_update(target_call, two ? &target_call_two : &target_call_one);
	return err;
}

static const struct kernel_param_ops two_ops = { .set = two_set };
module_param_cb(two, &two_ops, NULL, 0200);

/* Its replacement uses all of the above. */
TARGET int target_private(void)
{
	return target_hidden(0) + static_call(target_call)();
}
