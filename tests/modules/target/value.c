// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that do nothing but return a number: what they return tells which
 * version ran.
 */
#include <linux/kernel.h>
#include "target.h"

/* Patched by most tests; unpatched it returns 1. */
TARGET int target_value(void)
{
	return 1;
}

/* With target_second(): a patch of both is refused if one cannot be had. */
TARGET int target_first(void)
{
	return 1;
}

TARGET int target_second(void)
{
	return 1;
}

/* Has no ftrace site. */
TARGET notrace int target_notrace(void)
{
	return 1;
}

/* Runs on a stopper thread, inside stop_machine(). */
TARGET int target_stopped(void *unused)
{
	return 1;
}
