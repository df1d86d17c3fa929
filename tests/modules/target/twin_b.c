// SPDX-License-Identifier: GPL-2.0
/* One of two static functions called target_twin(); the other is in twin_a.c. */
#include <linux/kernel.h>
#include "target.h"

static TARGET int target_twin(void)
{
	return 2;
}

int target_twin_b(void)
{
	return target_twin();
}
